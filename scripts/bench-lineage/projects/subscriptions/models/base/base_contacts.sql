SELECT DISTINCT
    contact_id,
    LOWER(TRIM(account_key)) AS account_id,
    LOWER(TRIM(email)) AS email,
    CASE
        WHEN role IN ('Owner', 'owner') THEN 'owner'
        WHEN role IN ('Billing', 'Finance') THEN 'billing'
        WHEN role IN ('Admin', 'IT') THEN 'admin'
        WHEN role = 'User' THEN 'user'
    END AS contact_role,
    opted_in
FROM {{ source('crm', 'contacts') }}
WHERE email LIKE '%@%'
