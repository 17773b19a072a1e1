SELECT a.subscription_id, a.region, a.change_id
FROM {{ ref('subscription_changes') }} a
JOIN {{ ref('subscription_changes') }} b
    ON a.subscription_id = b.subscription_id
    AND a.change_id <> b.change_id
    AND a.valid_from < b.valid_to
    AND b.valid_from < a.valid_to
