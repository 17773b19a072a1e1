SELECT
    invoice_id,
    subscription_id,
    account_id,
    CAST(period_start AS DATE) AS period_start,
    CAST(period_end AS DATE) AS period_end,
    TRY_CAST(REPLACE(amount_due, '$', '') AS DECIMAL(12, 2)) AS amount_due,
    TRY_CAST(REPLACE(tax_amount, '$', '') AS DECIMAL(12, 2)) AS tax_amount,
    CASE invoice_state
        WHEN 'pd' THEN 'paid'
        WHEN 'op' THEN 'open'
        WHEN 'pdue' THEN 'past_due'
        WHEN 'wo' THEN 'written_off'
    END AS invoice_state,
    TRY_CAST(NULLIF(paid_on, '-') AS DATE) AS paid_on
FROM (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY invoice_id ORDER BY synced_at DESC) AS copy_number
    FROM {{ source('billing', 'invoices') }}
) copies
WHERE copy_number = 1
    AND invoice_state <> 'draft'
