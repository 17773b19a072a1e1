-- A refund names an order that was sold.
with refunds as (
    select order_ref, site, event_id
    from {{ ref('events_identified') }}
    where event_name = 'refund'
)
select refunds.*
from refunds
left join {{ ref('orders') }} as orders using (order_ref)
where orders.revenue is null
