select
    vendor_id,
    vendor_number,
    state,
    nullif(trim(vendor_name), '') as vendor_name,
    upper(trim(certification)) as certification,
    city
from {{ source('reference', 'vendors') }}
