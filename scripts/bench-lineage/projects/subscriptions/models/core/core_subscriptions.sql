SELECT
    h.subscription_id,
    h.account_id,
    a.region,
    a.company_name,
    h.plan_code,
    p.plan_name,
    p.family,
    h.status,
    h.seats,
    p.unit_cents,
    h.mrr_cents,
    h.started_on,
    h.ended_on
FROM {{ ref('subscription_history') }} h
INNER JOIN {{ ref('base_accounts') }} a
    ON h.account_id = a.account_id
LEFT JOIN {{ ref('plans') }} p
    ON h.plan_code = p.plan_code
WHERE h.dbt_valid_to IS NULL
