select
    bid_id,
    state,
    count(*) as line_count,
    coalesce(sum(ext_total), 0) as line_total
from {{ ref('stg_line_items') }}
group by bid_id, state
