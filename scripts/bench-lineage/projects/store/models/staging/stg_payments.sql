select
    payment_id,
    order_id,
    case method
        when 'card' then 'card'
        when 'pp' then 'paypal'
        when 'bank' then 'bank_transfer'
        when 'gift' then 'gift_card'
    end as payment_method,
    cast(amount_cents / 100.0 as decimal(12, 2)) as amount,
    status as payment_status,
    cast(paid_at as timestamp) as paid_at
from {{ source('shop', 'payments') }}
where status <> 'failed'
