select
    visitor_id,
    user_id,
    min(cast(linked_at as timestamp)) as linked_at
from {{ source('identity', 'device_links') }}
where user_id is not null
group by visitor_id, user_id
