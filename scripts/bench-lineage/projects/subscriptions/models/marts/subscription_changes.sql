SELECT
    subscription_id || '-' || version_number AS change_id,
    subscription_id,
    account_id,
    region,
    plan_code,
    status,
    seats,
    mrr_cents,
    COALESCE(LAG(mrr_cents) OVER (PARTITION BY subscription_id ORDER BY version_number), 0) AS mrr_before,
    mrr_cents - COALESCE(LAG(mrr_cents) OVER (PARTITION BY subscription_id ORDER BY version_number), 0) AS mrr_change,
    valid_from,
    valid_to,
    CASE
        WHEN version_number = 1 THEN 'new'
        WHEN mrr_cents > LAG(mrr_cents) OVER (PARTITION BY subscription_id ORDER BY version_number) THEN 'expansion'
        WHEN mrr_cents < LAG(mrr_cents) OVER (PARTITION BY subscription_id ORDER BY version_number) THEN 'contraction'
        ELSE 'other'
    END AS change_kind
FROM {{ ref('core_subscription_spans') }}
