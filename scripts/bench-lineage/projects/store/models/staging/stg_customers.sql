with source as (

    select * from {{ source('shop', 'customers') }}

),

-- The export holds every version of a customer; the latest counts.
latest as (

    select *
    from source
    where not is_test
    qualify row_number() over (partition by customer_id order by updated_at desc) = 1

)

select
    customer_id,
    lower(trim(email)) as email,
    trim(first_name) || ' ' || trim(last_name) as full_name,
    upper(trim(market)) as market,
    cast(signup_at as date) as signup_date,
    case lower(trim(loyalty_tier))
        when 'bronze' then 'bronze'
        when 'silver' then 'silver'
        when 'gold' then 'gold'
        when 'plat' then 'platinum'
        else lower(trim(loyalty_tier))
    end as loyalty_tier,
    nullif(referred_by, '') as referred_by,
    cast(updated_at as timestamp) as updated_at
from latest
