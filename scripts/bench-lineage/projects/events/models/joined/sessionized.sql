{{ config(materialized='view') }}

with gaps as (
    select
        *,
        lag(occurred_at) over (partition by site, visitor_id order by occurred_at, event_id) as previous_at
    from {{ ref('events_identified') }}
    where platform <> 'server'
),
marked as (
    select
        *,
        case when previous_at is null or occurred_at - previous_at > interval 30 minute then 1 else 0 end as is_start
    from gaps
)
select
    *,
    visitor_id || '/' || site || '/' || cast(
        sum(is_start) over (partition by site, visitor_id order by occurred_at, event_id rows unbounded preceding) as varchar
    ) as session_id
from marked
