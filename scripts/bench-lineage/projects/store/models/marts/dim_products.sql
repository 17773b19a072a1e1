select
    products.sku,
    products.product_name,
    products.category_code,
    categories.category_name,
    categories.department,
    products.list_price,
    suppliers.supplier_name,
    suppliers.country_code as supplier_country,
    coalesce(sales.units_sold, 0) as units_sold,
    coalesce(sales.net_amount, 0) as net_amount
from {{ ref('stg_products') }} as products
left join {{ ref('product_categories') }} as categories
    on products.category_code = categories.category_code
left join {{ ref('stg_suppliers') }} as suppliers
    on products.supplier_id = suppliers.supplier_id
left join (
    select sku, sum(units_sold) as units_sold, sum(net_amount) as net_amount
    from {{ ref('int_product_sales') }}
    group by sku
) as sales
    on products.sku = sales.sku
where products.is_active
