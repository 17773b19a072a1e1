select
    lpad(cast(spend_id as varchar), 6, '0') as spend_id,
    upper(campaign) as campaign_code,
    lower(site) as site,
    cast(spent_on as date) as spent_on,
    cast(clicks as integer) as clicks,
    cast(cost_micros / 1000000.0 as decimal(12, 2)) as cost
from {{ source('ads', 'daily_spend') }}
where clicks is not null
