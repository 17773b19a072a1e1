select
    line_item_id,
    bid_id,
    state,
    item_code,
    item_description,
    category_code,
    quantity,
    unit_code,
    unit_name,
    unit_price,
    ext_total
from {{ ref('int_line_items_priced') }}
