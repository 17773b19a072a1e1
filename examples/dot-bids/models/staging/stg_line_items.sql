with source as (

    select * from {{ source('dot_portal', 'line_items') }}

),

typed as (

    select
        line_item_id,
        bid_id,
        state,
        -- Some portals pad item numbers with zeros.
        ltrim(upper(trim(item_code)), '0') as item_code,
        cast(quantity as decimal(14, 3)) as quantity,
        upper(trim(unit)) as unit_code,
        {{ money('unit_price') }} as unit_price,
        {{ money('ext_total') }} as ext_total
    from source

)

select
    *,
    case unit_code
        when 'AC' then 'acre'
        when 'CY' then 'cubic yard'
        when 'EA' then 'each'
        when 'GAL' then 'gallon'
        when 'HR' then 'hour'
        when 'LF' then 'linear foot'
        when 'LS' then 'lump sum'
        when 'SY' then 'square yard'
        when 'TON' then 'ton'
    end as unit_name
from typed
