with customers as (

    select * from {{ ref('stg_customers') }}

),

orders as (

    select
        customer_id,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        count(*) as order_count,
        sum(total_usd) as lifetime_usd
    from {{ ref('fct_orders') }}
    where order_status <> 'cancelled'
    group by customer_id

)

select
    customers.customer_id,
    customers.full_name,
    customers.email,
    customers.market,
    markets.market_name,
    customers.signup_date,
    customers.loyalty_tier,
    referrers.full_name as referrer_name,
    customers.referred_by,
    orders.first_order_date,
    orders.last_order_date,
    coalesce(orders.order_count, 0) as order_count,
    coalesce(orders.lifetime_usd, 0) as lifetime_usd
from customers
left join orders
    on customers.customer_id = orders.customer_id
left join {{ ref('markets') }} as markets
    on customers.market = markets.market
left join customers as referrers
    on customers.referred_by = referrers.customer_id
