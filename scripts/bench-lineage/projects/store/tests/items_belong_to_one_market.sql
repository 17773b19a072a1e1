select
    items.order_item_id,
    items.market,
    orders.market as order_market
from {{ ref('fct_order_items') }} as items
inner join {{ ref('fct_orders') }} as orders
    on items.order_id = orders.order_id
where items.market <> orders.market
