{{ config(materialized='ephemeral') }}

SELECT account_id, contact_id, email
FROM (
    SELECT
        *,
        RANK() OVER (PARTITION BY account_id ORDER BY contact_id) AS place
    FROM {{ ref('base_contacts') }}
    WHERE contact_role IN ('billing', 'owner')
) ranked
WHERE place = 1
