{{ config(materialized='incremental', unique_key='event_id', incremental_strategy='delete+insert') }}

select
    event_id,
    session_id,
    site,
    visitor_id,
    user_id,
    event_name,
    event_group,
    is_conversion,
    occurred_at,
    cast(local_time as date) as local_date,
    channel,
    channel_group,
    campaign_code,
    net_revenue,
    order_ref,
    platform
from {{ ref('sessionized') }}
{% if is_incremental() %}
where occurred_at > (select max(occurred_at) from {{ this }})
{% endif %}
