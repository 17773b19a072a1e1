with orders as (

    select * from {{ ref('stg_orders') }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

totals as (

    select * from {{ ref('int_order_totals') }}

),

payments as (

    select * from {{ ref('int_payments_by_order') }}

),

rates as (

    select
        markets.market,
        markets.currency,
        fx.usd_rate
    from {{ ref('markets') }} as markets
    inner join {{ ref('fx_rates') }} as fx
        on markets.currency = fx.currency

),

joined as (

    select
        orders.order_id,
        orders.customer_id,
        orders.market,
        orders.currency,
        orders.order_date,
        orders.ordered_at,
        orders.order_status,
        orders.shipping_amount,
        orders.total_amount,
        orders.coupon_code,
        orders.updated_at,
        customers.email as customer_email,
        customers.loyalty_tier,
        totals.item_count,
        totals.net_amount as items_amount,
        coalesce(payments.paid_amount, 0) as paid_amount,
        payments.last_paid_at,
        rates.usd_rate
    from orders
    inner join customers
        on orders.customer_id = customers.customer_id
    left join totals
        on orders.order_id = totals.order_id
    left join payments
        on orders.order_id = payments.order_id
    left join rates
        on orders.market = rates.market
        and orders.currency = rates.currency

)

select
    *,
    cast(total_amount * usd_rate as decimal(12, 2)) as total_usd,
    row_number() over (partition by customer_id order by ordered_at, order_id) as customer_order_number
from joined
