select
    u.user_id,
    u.home_site as site,
    s.site_name,
    u.plan,
    u.created_on,
    count(o.order_ref) as order_count,
    coalesce(sum(o.kept_revenue), 0) as revenue
from {{ ref('clean_users') }} as u
left join {{ ref('sites') }} as s on u.home_site = s.site
left join {{ ref('orders') }} as o on u.user_id = o.user_id
group by u.user_id, u.home_site, s.site_name, u.plan, u.created_on
