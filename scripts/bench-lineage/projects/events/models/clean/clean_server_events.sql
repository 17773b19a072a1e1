select distinct
    's-' || cast(id as varchar) as event_id,
    site_code as site,
    customer as user_id,
    lower(kind) as event_name,
    cast(happened_at as timestamp) as occurred_at,
    try_cast(amount as decimal(10, 2)) as revenue,
    order_no as order_ref
from {{ source('collector', 'server_events') }}
where kind in ('refund', 'PURCHASE', 'purchase', 'Refund')
