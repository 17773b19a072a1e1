SELECT
    i.invoice_id,
    i.subscription_id,
    i.account_id,
    a.region,
    s.plan_code,
    s.family,
    i.period_start,
    i.period_end,
    i.period_end - i.period_start AS period_days,
    i.invoice_state,
    i.amount_due,
    i.tax_amount,
    i.net_amount,
    i.lines_amount,
    i.seat_count,
    CAST(i.net_amount / NULLIF(i.seat_count, 0) AS DECIMAL(12, 2)) AS amount_per_seat,
    i.paid_on,
    CASE WHEN i.invoice_state = 'paid' THEN i.amount_due ELSE 0 END AS amount_paid
FROM {{ ref('core_invoice_amounts') }} i
INNER JOIN {{ ref('base_accounts') }} a
    ON i.account_id = a.account_id
LEFT JOIN {{ ref('core_subscriptions') }} s
    ON i.subscription_id = s.subscription_id
    AND i.account_id = s.account_id
