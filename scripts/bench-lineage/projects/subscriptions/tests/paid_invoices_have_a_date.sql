SELECT invoice_id, region, invoice_state, paid_on
FROM {{ ref('invoices') }}
WHERE invoice_state = 'paid' AND paid_on IS NULL
