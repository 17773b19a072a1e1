with raw as (
    select * from {{ source('collector', 'web_events') }}
    where not is_bot
)
select
    'w-' || event_id as event_id,
    lower(site) as site,
    visitor_id,
    nullif(user_ref, '') as user_id,
    case type
        when 'pv' then 'page_view'
        when 'srch' then 'search'
        when 'cart' then 'add_to_cart'
        when 'chk' then 'begin_checkout'
        when 'buy' then 'purchase'
        when 'reg' then 'sign_up'
        when 'login' then 'sign_in'
    end as event_name,
    cast(sent_at as timestamp) as occurred_at,
    split_part(url, '?', 1) as place,
    lower(coalesce(nullif(utm_channel, ''), 'direct')) as channel,
    nullif(utm_campaign, '') as campaign_code,
    try_cast(replace(order_value, ',', '.') as decimal(10, 2)) as revenue,
    nullif(order_ref, '') as order_ref
from raw
qualify row_number() over (partition by event_id order by received_at) = 1
