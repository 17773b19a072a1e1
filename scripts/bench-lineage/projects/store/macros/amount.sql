{#- Amounts as the shop exports them: "1,249.90". -#}
{% macro amount(column) -%}
    try_cast(replace({{ column }}, ',', '') as decimal(12, 2))
{%- endmacro %}
