{#- An amount as the portals write it ("$1250.00") as a number. -#}
{% macro money(column) -%}
    try_cast(replace({{ column }}, '$', '') as decimal(14, 2))
{%- endmacro %}
