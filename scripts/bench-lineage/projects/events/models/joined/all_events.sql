{{ config(materialized='view') }}

select event_id, site, visitor_id, user_id, event_name, occurred_at, place, channel, campaign_code, revenue, order_ref, 'web' as platform
from {{ ref('clean_web_events') }}

union all

select event_id, site, visitor_id, user_id, event_name, occurred_at, place, channel, campaign_code, revenue, order_ref, 'app' as platform
from {{ ref('clean_app_events') }}

union all

select event_id, site, 'server' as visitor_id, user_id, event_name, occurred_at, 'backend' as place, 'direct' as channel, null as campaign_code, revenue, order_ref, 'server' as platform
from {{ ref('clean_server_events') }}
where event_name = 'refund'
