with source as (

    select distinct return_id, order_item_id, reason_code, returned_on, refund_amount
    from {{ source('shop', 'returns') }}

)

select
    return_id,
    order_item_id,
    lpad(trim(reason_code), 2, '0') as reason_code,
    try_strptime(returned_on, '%m/%d/%Y')::date as returned_on,
    try_cast(replace(refund_amount, '$', '') as decimal(12, 2)) as refund_amount
from source
where order_item_id is not null
