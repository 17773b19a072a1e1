select
    upper(trim(code)) as campaign_code,
    lower(site) as site,
    channel,
    name as campaign_name,
    try_cast(replace(replace(budget, '€', ''), ' ', '') as decimal(12, 2)) as budget,
    cast(starts_on as date) as starts_on,
    cast(ends_on as date) as ends_on
from {{ source('ads', 'campaigns') }}
