-- Every line item is an item of its state's specification book.
select
    state,
    line_item_id,
    bid_id,
    item_code
from {{ ref('int_line_items_priced') }}
where catalog_item_code is null
