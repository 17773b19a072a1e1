select session_id, site, count(distinct platform) as platforms
from {{ ref('fct_events') }}
group by session_id, site
having count(distinct platform) > 1
