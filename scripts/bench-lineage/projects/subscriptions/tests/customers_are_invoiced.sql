-- Every subscription of a customer has at least one invoice.
WITH customers AS (
    SELECT subscription_id, region
    FROM {{ ref('subscriptions') }}
    WHERE lifecycle = 'customer'
)
SELECT c.subscription_id, c.region
FROM customers c
LEFT JOIN {{ ref('invoices') }} i
    ON c.subscription_id = i.subscription_id
WHERE i.invoice_id IS NULL
