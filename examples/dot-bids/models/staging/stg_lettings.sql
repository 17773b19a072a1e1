with source as (

    select * from {{ source('dot_portal', 'lettings') }}

),

typed as (

    select
        letting_key,
        state,
        letting_id,
        cast(letting_date as date) as letting_date,
        lpad(district, 2, '0') as district_code,
        contract_type,
        case status
            when 'AWD' then 'awarded'
            when 'OPN' then 'open'
            when 'CAN' then 'cancelled'
        end as status,
        cast(award_date as date) as award_date,
        {{ number_or_null('working_days', 'integer') }} as working_days,
        {{ money('engineer_estimate') }} as engineer_estimate
    from source

)

select * from typed
