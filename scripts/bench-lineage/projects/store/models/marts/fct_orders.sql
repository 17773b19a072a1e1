{{
    config(
        materialized='incremental',
        unique_key='order_id',
        incremental_strategy='delete+insert'
    )
}}

with enriched as (

    select * from {{ ref('int_orders_enriched') }}
    {% if is_incremental() %}
    where updated_at > (select coalesce(max(updated_at), timestamp '1900-01-01') from {{ this }})
    {% endif %}

)

select
    order_id,
    customer_id,
    customer_email,
    market,
    currency,
    order_date,
    order_status,
    item_count,
    items_amount,
    shipping_amount,
    total_amount,
    total_usd,
    paid_amount,
    total_amount - paid_amount as open_amount,
    case
        when order_status = 'cancelled' then 'void'
        when paid_amount >= total_amount then 'paid'
        when paid_amount > 0 then 'partial'
        when paid_amount = 0 then 'open'
    end as payment_state,
    case when customer_order_number = 1 then 'first' else 'repeat' end as order_kind,
    coupon_code,
    updated_at
from enriched
