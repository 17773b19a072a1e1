select
    event_id,
    events.site,
    visitor_id,
    coalesce(events.user_id, links.user_id) as user_id,
    event_name,
    catalog.event_group,
    catalog.is_conversion,
    occurred_at,
    occurred_at + to_hours(sites.utc_offset) as local_time,
    place,
    channel,
    channels.channel_group,
    campaign_code,
    case
        when event_name = 'purchase' then revenue
        when event_name = 'refund' then 0 - revenue
        else 0
    end as net_revenue,
    order_ref,
    platform
from {{ ref('all_events') }} as events
left join {{ ref('first_links') }} as links using (visitor_id)
left join {{ ref('event_catalog') }} as catalog using (event_name)
left join {{ ref('sites') }} as sites on sites.site = events.site
left join {{ ref('channels') }} as channels using (channel)
where platform <> 'server' or events.user_id is not null
