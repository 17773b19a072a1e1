-- What happened to a letting, one row an event.
with lettings as (

    select * from {{ ref('int_lettings_current') }}

)

select letting_key, state, 'opened' as event_type, letting_date as event_date
from lettings

union all

select letting_key, state, 'awarded' as event_type, award_date as event_date
from lettings
where status <> 'open'
