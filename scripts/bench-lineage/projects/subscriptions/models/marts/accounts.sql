WITH subs AS (
    SELECT
        account_id,
        COUNT(*) AS subscription_count,
        SUM(mrr) FILTER (WHERE lifecycle = 'customer') AS mrr,
        MIN(started_on) AS first_started_on
    FROM {{ ref('subscriptions') }}
    GROUP BY account_id
),

used AS (
    SELECT account_id, MAX(usage_month) AS last_used_month, SUM(api_calls) AS api_calls
    FROM {{ ref('base_usage') }}
    WHERE active_seats > 0
    GROUP BY account_id
)

SELECT
    a.account_id,
    a.company_name,
    a.country_code,
    a.country_name,
    a.region,
    a.segment,
    a.created_on,
    b.email AS billing_email,
    s.subscription_count,
    COALESCE(s.mrr, 0) AS mrr,
    s.first_started_on,
    u.last_used_month,
    COALESCE(u.api_calls, 0) AS api_calls
FROM {{ ref('base_accounts') }} a
LEFT JOIN subs s ON a.account_id = s.account_id
LEFT JOIN used u ON a.account_id = u.account_id
LEFT JOIN {{ ref('core_billing_contacts') }} b ON a.account_id = b.account_id
