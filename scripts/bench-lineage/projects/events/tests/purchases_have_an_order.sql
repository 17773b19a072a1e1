select event_id, site, occurred_at
from {{ ref('events_identified') }}
where event_name = 'purchase'
    and (order_ref is null or net_revenue is null or net_revenue <= 0)
