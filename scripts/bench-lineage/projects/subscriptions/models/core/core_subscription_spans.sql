{{ config(materialized='ephemeral') }}

SELECT
    h.subscription_id,
    h.account_id,
    a.region,
    h.plan_code,
    h.status,
    h.seats,
    h.mrr_cents,
    CAST(h.dbt_valid_from AS DATE) AS valid_from,
    CAST(COALESCE(h.dbt_valid_to, TIMESTAMP '2099-12-31') AS DATE) AS valid_to,
    ROW_NUMBER() OVER (PARTITION BY h.subscription_id ORDER BY h.dbt_valid_from) AS version_number
FROM {{ ref('subscription_history') }} h
INNER JOIN {{ ref('base_accounts') }} a
    ON h.account_id = a.account_id
