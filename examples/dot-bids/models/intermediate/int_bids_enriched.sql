with bids as (

    select * from {{ ref('stg_bids') }}

),

vendors as (

    select * from {{ ref('stg_vendors') }}

),

lettings as (

    select * from {{ ref('int_lettings_current') }}

),

totals as (

    select * from {{ ref('int_bid_totals') }}

)

select
    bids.bid_id,
    bids.letting_key,
    bids.state,
    lettings.letting_date,
    lettings.contract_type,
    bids.vendor_id,
    vendors.vendor_name,
    vendors.certification,
    bids.bids_value,
    totals.line_total,
    bids.bids_value - totals.line_total as unitemized_value,
    totals.line_count,
    bids.bid_rank,
    bids.bid_status
from bids
inner join lettings on bids.letting_key = lettings.letting_key
left join vendors
    on bids.state = vendors.state
    and bids.vendor_id = vendors.vendor_number
left join totals on bids.bid_id = totals.bid_id
