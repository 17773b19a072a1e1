select
    user_id,
    lower(trim(home_site)) as home_site,
    md5(lower(email)) as email_hash,
    strptime(created, '%d.%m.%Y')::date as created_on,
    case upper(plan)
        when 'F' then 'free'
        when 'P' then 'plus'
        when 'V' then 'vip'
    end as plan
from {{ source('identity', 'users') }}
where merged_into is null
