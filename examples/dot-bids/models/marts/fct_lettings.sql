with lettings as (

    select * from {{ ref('int_lettings_current') }}

),

bids as (

    select
        letting_key,
        count(*) as bid_count,
        min(bids_value) as low_bid_value,
        max(case when bid_status = 'awarded' then vendor_id end) as awarded_vendor_id
    from {{ ref('int_bids_enriched') }}
    where bid_status in ('awarded', 'submitted')
    group by letting_key

)

select
    lettings.letting_key,
    lettings.state,
    lettings.letting_date,
    lettings.district_code,
    lettings.district_name,
    lettings.contract_type,
    lettings.status,
    lettings.working_days,
    lettings.engineer_estimate,
    coalesce(bids.bid_count, 0) as bid_count,
    bids.low_bid_value,
    bids.awarded_vendor_id
from lettings
left join bids on lettings.letting_key = bids.letting_key
