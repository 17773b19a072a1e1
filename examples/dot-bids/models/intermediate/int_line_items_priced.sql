-- Line items with what the state's specification book says of the item.
with line_items as (

    select * from {{ ref('stg_line_items') }}

),

catalog as (

    select * from {{ ref('stg_item_catalog') }}

)

select
    line_items.line_item_id,
    line_items.bid_id,
    line_items.state,
    line_items.item_code,
    catalog.item_code as catalog_item_code,
    catalog.description as item_description,
    catalog.category_code,
    line_items.quantity,
    line_items.unit_code,
    line_items.unit_name,
    line_items.unit_price,
    line_items.ext_total
from line_items
left join catalog
    on line_items.state = catalog.state
    and line_items.item_code = catalog.item_code
