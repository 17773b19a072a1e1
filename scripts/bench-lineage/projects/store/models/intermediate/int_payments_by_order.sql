{{ config(materialized='ephemeral') }}

select
    order_id,
    count(*) as payment_count,
    sum(amount) as paid_amount,
    sum(case when payment_method = 'gift_card' then amount else 0 end) as gift_card_amount,
    max(paid_at) as last_paid_at
from {{ ref('stg_payments') }}
where payment_status = 'ok'
group by order_id
