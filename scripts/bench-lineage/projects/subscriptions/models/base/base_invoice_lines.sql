SELECT
    line_id,
    invoice_id,
    LOWER(TRIM(line_kind)) AS line_kind,
    CAST(quantity AS INTEGER) AS quantity,
    CAST(unit_cents AS INTEGER) AS unit_cents,
    CAST(quantity * unit_cents / 100.0 AS DECIMAL(12, 2)) AS line_amount
FROM {{ source('billing', 'invoice_lines') }}
WHERE voided_at IS NULL
