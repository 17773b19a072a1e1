select
    site,
    local_date,
    count(distinct session_id) as session_count,
    count(distinct visitor_id) as visitor_count,
    count(*) filter (where event_name = 'purchase') as order_count,
    sum(net_revenue) as revenue
from {{ ref('fct_events') }}
where event_group <> 'account'
group by site, local_date
