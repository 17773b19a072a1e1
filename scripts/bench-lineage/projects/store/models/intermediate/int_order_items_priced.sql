{{ config(materialized='ephemeral') }}

select
    items.order_item_id,
    items.order_id,
    items.sku,
    products.product_name,
    products.category_code,
    categories.category_name,
    categories.department,
    products.supplier_id,
    items.quantity,
    items.unit_price,
    products.list_price,
    items.gross_amount,
    items.gross_amount - items.net_amount as discount_amount,
    items.net_amount
from {{ ref('stg_order_items') }} as items
left join {{ ref('stg_products') }} as products
    on items.sku = products.sku
left join {{ ref('product_categories') }} as categories
    on products.category_code = categories.category_code
