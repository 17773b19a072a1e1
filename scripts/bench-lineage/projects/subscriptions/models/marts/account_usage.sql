{{
    config(
        materialized='incremental',
        unique_key=['account_id', 'usage_month'],
        incremental_strategy='delete+insert'
    )
}}

SELECT
    u.account_id,
    a.region,
    u.usage_month,
    u.active_seats,
    u.api_calls,
    s.seats AS licensed_seats,
    CASE
        WHEN s.seats IS NULL THEN 'unlicensed'
        WHEN u.active_seats > s.seats THEN 'over'
        WHEN u.active_seats = 0 THEN 'idle'
        ELSE 'within'
    END AS seat_state,
    SUM(u.api_calls) OVER (PARTITION BY u.account_id ORDER BY u.usage_month) AS api_calls_to_date
FROM {{ ref('base_usage') }} u
INNER JOIN {{ ref('base_accounts') }} a
    ON u.account_id = a.account_id
LEFT JOIN (
    SELECT account_id, SUM(seats) AS seats
    FROM {{ ref('core_subscriptions') }}
    WHERE status <> 'cancelled'
    GROUP BY account_id
) s
    ON u.account_id = s.account_id
{% if is_incremental() %}
WHERE u.usage_month >= (SELECT MAX(usage_month) - INTERVAL 1 MONTH FROM {{ this }})
{% endif %}
