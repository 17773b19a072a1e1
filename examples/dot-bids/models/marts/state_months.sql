select
    state,
    date_trunc('month', letting_date) as month,
    count(*) as letting_count,
    sum(bid_count) as bid_count,
    sum(low_bid_value) as low_bid_value,
    round(avg(low_bid_value / engineer_estimate), 4) as low_bid_to_estimate
from {{ ref('fct_lettings') }}
group by state, date_trunc('month', letting_date)
