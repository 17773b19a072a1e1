select
    'a-' || event_uuid as event_id,
    app_site as site,
    device_id as visitor_id,
    case when user_id = 'guest' then null else user_id end as user_id,
    lower(trim(action)) as event_name,
    make_timestamp(occurred_epoch * 1000000) as occurred_at,
    screen as place,
    case install_source
        when 'store' then 'organic'
        when 'search_ads' then 'paid_search'
        when 'social_ads' then 'paid_social'
        when 'mail' then 'email'
        else 'direct'
    end as channel,
    cast(null as varchar) as campaign_code,
    cast(value_cents / 100.0 as decimal(10, 2)) as revenue,
    order_ref
from {{ source('collector', 'app_events') }}
where build not like '%-debug'
