with items as (

    select * from {{ ref('int_order_items_priced') }}

),

orders as (

    select order_id, customer_id, market, order_date, order_status
    from {{ ref('stg_orders') }}
    where order_status <> 'cancelled'

)

select
    items.order_item_id,
    items.order_id,
    orders.customer_id,
    orders.market,
    orders.order_date,
    items.sku,
    items.product_name,
    items.category_name,
    items.department,
    items.quantity,
    items.unit_price,
    items.list_price - items.unit_price as price_cut,
    items.gross_amount,
    items.discount_amount,
    items.net_amount
from items
inner join orders
    on items.order_id = orders.order_id
