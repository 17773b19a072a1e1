select
    trim(supplier_id) as supplier_id,
    supplier_name,
    upper(country_code) as country_code
from {{ source('erp', 'suppliers') }}
