SELECT
    region,
    DATE_TRUNC('month', period_start) AS revenue_month,
    COUNT(*) AS invoice_count,
    SUM(amount_due) AS billed,
    SUM(amount_paid) AS collected,
    SUM(CASE WHEN invoice_state = 'past_due' THEN amount_due ELSE 0 END) AS past_due,
    ROUND(SUM(amount_paid) / SUM(amount_due), 4) AS collection_rate
FROM {{ ref('invoices') }}
WHERE amount_due > 0
GROUP BY 1, 2
