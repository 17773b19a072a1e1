SELECT
    i.invoice_id,
    i.subscription_id,
    i.account_id,
    i.period_start,
    i.period_end,
    i.invoice_state,
    i.paid_on,
    i.amount_due,
    i.tax_amount,
    l.lines_amount,
    l.line_count,
    l.seat_count,
    i.amount_due - i.tax_amount AS net_amount
FROM {{ ref('base_invoices') }} i
LEFT JOIN (
    SELECT
        invoice_id,
        SUM(line_amount) AS lines_amount,
        COUNT(*) AS line_count,
        SUM(CASE WHEN line_kind = 'seats' THEN quantity ELSE 0 END) AS seat_count
    FROM {{ ref('base_invoice_lines') }}
    GROUP BY 1
) l
    ON i.invoice_id = l.invoice_id
