with sold as (

    select
        items.sku,
        orders.market,
        sum(items.quantity) as units_sold,
        sum(items.net_amount) as net_amount
    from {{ ref('int_order_items_priced') }} as items
    inner join {{ ref('stg_orders') }} as orders
        on items.order_id = orders.order_id
    where orders.order_status <> 'cancelled'
    group by items.sku, orders.market

)

select
    sku,
    market,
    units_sold,
    net_amount,
    rank() over (partition by market order by net_amount desc, sku) as sales_rank
from sold
