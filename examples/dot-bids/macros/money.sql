{#- An amount as the portals write it ("$1250.00") as a number. -#}
{% macro money(column) -%}
    {{ number_or_null("replace(" ~ column ~ ", '$', '')", 'decimal(14, 2)') }}
{%- endmacro %}
