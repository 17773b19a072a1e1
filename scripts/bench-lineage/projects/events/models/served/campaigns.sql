with spend as (
    select campaign_code, sum(cost) as cost, sum(clicks) as clicks
    from {{ ref('clean_spend') }}
    group by 1
),
sales as (
    select campaign_code, count(*) as order_count, sum(kept_revenue) as revenue
    from {{ ref('orders') }}
    where campaign_code is not null
    group by 1
)
select
    c.campaign_code,
    c.campaign_name,
    c.site,
    s.site_name,
    c.channel,
    ch.channel_group,
    c.budget,
    coalesce(spend.cost, 0) as cost,
    c.budget - coalesce(spend.cost, 0) as budget_left,
    coalesce(sales.order_count, 0) as order_count,
    coalesce(sales.revenue, 0) as revenue
from {{ ref('clean_campaigns') }} as c
inner join {{ ref('sites') }} as s using (site)
left join {{ ref('channels') }} as ch on c.channel = ch.channel
left join spend on c.campaign_code = spend.campaign_code
left join sales on c.campaign_code = sales.campaign_code
