with bids as (

    select
        vendor_id,
        count(*) as bid_count,
        sum(case when is_awarded then 1 else 0 end) as award_count,
        sum(case when is_awarded then bids_value else 0 end) as awarded_value
    from {{ ref('fct_bids') }}
    group by vendor_id

)

select
    vendors.vendor_id,
    vendors.state,
    vendors.vendor_name,
    vendors.certification,
    vendors.city,
    coalesce(bids.bid_count, 0) as bid_count,
    coalesce(bids.award_count, 0) as award_count,
    coalesce(bids.awarded_value, 0) as awarded_value
from {{ ref('stg_vendors') }} as vendors
left join bids on vendors.vendor_id = bids.vendor_id
