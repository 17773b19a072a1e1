-- A bid's total is the sum of its line items' extensions, to the dollar.
select
    bids.state,
    bids.bid_id,
    bids.letting_key,
    bids.vendor_id,
    bids.bids_value,
    totals.line_total,
    bids.bids_value - totals.line_total as difference
from {{ ref('stg_bids') }} as bids
inner join {{ ref('int_bid_totals') }} as totals on bids.bid_id = totals.bid_id
where abs(bids.bids_value - totals.line_total) > 1
