SELECT
    a.account_id,
    TRIM(a.company_name) AS company_name,
    UPPER(TRIM(a.country_code)) AS country_code,
    c.country_name,
    c.region,
    CAST(a.created_at AS DATE) AS created_on,
    LOWER(a.owner_email) AS owner_email,
    a.segment
FROM {{ source('billing', 'accounts') }} a
LEFT JOIN {{ ref('countries') }} c
    ON UPPER(TRIM(a.country_code)) = c.country_code
WHERE a.deleted_at IS NULL
    AND a.account_id NOT LIKE 'demo-%'
