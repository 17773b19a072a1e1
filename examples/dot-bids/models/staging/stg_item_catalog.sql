select
    state,
    upper(trim(item_code)) as item_code,
    cast(spec_year as integer) as spec_year,
    trim(description) as description,
    upper(unit) as unit_code,
    category_code
from {{ source('reference', 'item_catalog') }}
