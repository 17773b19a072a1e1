-- One row a letting: of several advertisements the latest counts.
with lettings as (

    select * from {{ ref('stg_lettings') }}

),

districts as (

    select * from {{ ref('districts') }}

),

numbered as (

    select
        *,
        row_number() over (partition by letting_key order by letting_date desc) as advertisement
    from lettings

),

latest as (

    select * from numbered
    where advertisement = 1

)

select
    latest.letting_key,
    latest.state,
    latest.letting_id,
    latest.letting_date,
    latest.district_code,
    districts.district_name,
    latest.contract_type,
    latest.status,
    latest.award_date,
    latest.working_days,
    latest.engineer_estimate
from latest
left join districts
    on latest.state = districts.state
    and latest.district_code = districts.district_code
