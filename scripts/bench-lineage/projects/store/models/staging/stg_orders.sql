with source as (

    select * from {{ source('shop', 'orders') }}

),

ranked as (

    select
        *,
        row_number() over (partition by order_id order by updated_at desc) as version_rank
    from source
    where deleted_at is null

),

latest as (

    select *
    from ranked
    where version_rank = 1

)

select
    order_id,
    customer_id,
    market,
    upper(currency) as currency,
    cast(ordered_at as timestamp) as ordered_at,
    cast(ordered_at as date) as order_date,
    case status
        when 'P' then 'pending'
        when 'S' then 'shipped'
        when 'D' then 'delivered'
        when 'C' then 'cancelled'
        when 'R' then 'returned'
        else lower(status)
    end as order_status,
    try_cast(shipping_amount as decimal(12, 2)) as shipping_amount,
    {{ amount('total_amount') }} as total_amount,
    nullif(trim(coupon_code), '') as coupon_code,
    cast(updated_at as timestamp) as updated_at
from latest
