SELECT
    account_id,
    STRPTIME(usage_month, '%Y/%m')::DATE AS usage_month,
    CAST(active_seats AS INTEGER) AS active_seats,
    CAST(api_calls AS BIGINT) AS api_calls
FROM {{ source('product', 'monthly_usage') }}
QUALIFY ROW_NUMBER() OVER (PARTITION BY account_id, usage_month ORDER BY loaded_at DESC) = 1
