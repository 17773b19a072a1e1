with source as (

    select * from {{ source('shop', 'order_items') }}

),

typed as (

    select
        order_item_id,
        order_id,
        upper(trim(sku)) as sku,
        cast(quantity as integer) as quantity,
        cast(unit_price as decimal(12, 2)) as unit_price,
        cast(discount_percent as integer) as discount_percent,
        {{ amount('line_total') }} as line_total
    from source
    where order_id not like 'TEST%'

)

select
    *,
    cast(quantity * unit_price as decimal(12, 2)) as gross_amount,
    cast(round(quantity * unit_price * (100 - discount_percent) / 100.0, 2) as decimal(12, 2)) as net_amount
from typed
