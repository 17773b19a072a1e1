select
    upper(trim(sku)) as sku,
    trim(product_name) as product_name,
    upper(category_code) as category_code,
    cast(list_price as decimal(12, 2)) as list_price,
    lpad(supplier_id, 4, '0') as supplier_id,
    is_active
from {{ source('erp', 'products') }}
