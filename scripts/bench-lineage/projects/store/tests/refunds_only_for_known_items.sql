with refunds as (

    select * from {{ ref('fct_returns') }}

)

select return_id, refund_amount, returned_on
from refunds
where order_id is null
    or refund_amount is null
