select
    market,
    order_date,
    count(*) as order_count,
    count(distinct customer_id) as customer_count,
    sum(total_usd) as total_usd,
    sum(case when payment_state = 'paid' then 1 else 0 end) as paid_orders,
    round(avg(total_usd), 2) as average_usd
from {{ ref('fct_orders') }}
where order_status <> 'cancelled'
group by market, order_date
