with sold as (
    select order_ref, site, user_id, occurred_at, net_revenue, campaign_code, platform
    from {{ ref('events_identified') }}
    where event_name = 'purchase'
),
refunded as (
    select order_ref, sum(net_revenue) as refunded
    from {{ ref('events_identified') }}
    where event_name = 'refund'
    group by order_ref
),
confirmed as (
    select order_ref, site, revenue as confirmed_revenue
    from {{ ref('clean_server_events') }}
    where event_name = 'purchase'
)
select
    sold.order_ref,
    sold.site,
    sold.user_id,
    users.plan,
    sold.occurred_at,
    sold.net_revenue as revenue,
    confirmed.confirmed_revenue,
    coalesce(refunded.refunded, 0) as refunded,
    sold.net_revenue + coalesce(refunded.refunded, 0) as kept_revenue,
    sold.campaign_code,
    sold.platform
from sold
left join refunded on sold.order_ref = refunded.order_ref
left join confirmed
    on sold.order_ref = confirmed.order_ref
    and sold.site = confirmed.site
left join {{ ref('clean_users') }} as users on sold.user_id = users.user_id
