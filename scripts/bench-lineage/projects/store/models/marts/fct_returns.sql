with returned as (

    select * from {{ ref('stg_returns') }}

),

items as (

    select * from {{ ref('fct_order_items') }}

),

reasons as (

    select * from {{ ref('return_reasons') }}

)

select
    returned.return_id,
    returned.order_item_id,
    items.order_id,
    items.market,
    items.sku,
    items.order_date,
    returned.returned_on,
    returned.returned_on - items.order_date as days_to_return,
    returned.reason_code,
    reasons.reason,
    returned.refund_amount,
    items.net_amount
from returned
left join items
    on returned.order_item_id = items.order_item_id
left join reasons
    on returned.reason_code = reasons.reason_code
