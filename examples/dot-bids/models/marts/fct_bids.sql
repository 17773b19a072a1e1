-- Bids that count: what the state rejected is left out.
select
    bid_id,
    letting_key,
    state,
    letting_date,
    contract_type,
    vendor_id,
    vendor_name,
    certification,
    bids_value,
    line_total,
    unitemized_value,
    line_count,
    bid_rank,
    bid_status,
    bid_status = 'awarded' as is_awarded
from {{ ref('int_bids_enriched') }}
where bid_status <> 'rejected'
