-- What customers paid for a delivered order is what it cost.
select
    order_id,
    market,
    total_amount,
    paid_amount
from {{ ref('fct_orders') }}
where order_status = 'delivered'
    and abs(total_amount - paid_amount) > 0.01
