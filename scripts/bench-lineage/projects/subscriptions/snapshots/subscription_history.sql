{% snapshot subscription_history %}
{{
    config(
        unique_key='subscription_id',
        strategy='timestamp',
        updated_at='updated_at'
    )
}}
SELECT
    subscription_id,
    account_id,
    UPPER(plan_code) AS plan_code,
    status,
    CAST(seats AS INTEGER) AS seats,
    CAST(mrr_cents AS INTEGER) AS mrr_cents,
    CAST(started_on AS DATE) AS started_on,
    TRY_CAST(NULLIF(ended_on, '') AS DATE) AS ended_on,
    updated_at
FROM {{ source('billing', 'subscriptions') }}
WHERE account_id NOT LIKE 'demo-%'
{% endsnapshot %}
