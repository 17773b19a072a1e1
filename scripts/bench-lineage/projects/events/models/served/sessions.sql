with numbered as (
    select
        *,
        row_number() over (partition by session_id order by occurred_at, event_id) as step
    from {{ ref('fct_events') }}
)
select
    session_id,
    site,
    visitor_id,
    max(user_id) as user_id,
    min(occurred_at) as started_at,
    max(occurred_at) as ended_at,
    date_diff('second', min(occurred_at), max(occurred_at)) as seconds,
    count(*) as event_count,
    count(*) filter (where is_conversion) as conversions,
    sum(net_revenue) as revenue,
    max(case when step = 1 then channel end) as entry_channel,
    max(case when step = 1 then platform end) as platform
from numbered
group by session_id, site, visitor_id
