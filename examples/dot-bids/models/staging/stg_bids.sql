with source as (

    select * from {{ source('dot_portal', 'bids') }}

)

select
    bid_id,
    letting_key,
    state,
    vendor_id,
    {{ money('bids_value') }} as bids_value,
    cast(bid_rank as integer) as bid_rank,
    case upper(trim(status))
        when 'A' then 'awarded'
        when 'S' then 'submitted'
        when 'R' then 'rejected'
        when 'W' then 'withdrawn'
        else lower(status)
    end as bid_status
from source
