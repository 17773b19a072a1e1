SELECT
    subscription_id,
    account_id,
    region,
    company_name,
    plan_code,
    plan_name,
    family,
    status,
    seats,
    CAST(mrr_cents / 100.0 AS DECIMAL(12, 2)) AS mrr,
    CAST(seats * unit_cents / 100.0 AS DECIMAL(12, 2)) AS list_mrr,
    started_on,
    ended_on,
    CASE
        WHEN status = 'cancelled' THEN 'churned'
        WHEN status IN ('active', 'paused') THEN 'customer'
        WHEN status = 'trialing' THEN 'prospect'
    END AS lifecycle
FROM {{ ref('core_subscriptions') }}
