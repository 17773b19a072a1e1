-- A low bid far from the engineer's estimate is worth a look: either one may be wrong, or the market is.
{{ config(severity='warn') }}

select
    state,
    letting_key,
    letting_date,
    engineer_estimate,
    low_bid_value,
    round(low_bid_value / engineer_estimate, 2) as ratio
from {{ ref('fct_lettings') }}
where low_bid_value not between 0.5 * engineer_estimate and 1.5 * engineer_estimate
