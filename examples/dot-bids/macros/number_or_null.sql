{#- Text as a number, and null where it is none. -#}
{% macro number_or_null(text, type) -%}
    {{ return(adapter.dispatch('number_or_null')(text, type)) }}
{%- endmacro %}

{% macro default__number_or_null(text, type) -%}
    try_cast({{ text }} as {{ type }})
{%- endmacro %}

{#- Before version 16 Postgres cannot try a cast. -#}
{% macro postgres__number_or_null(text, type) -%}
    case when {{ text }} ~ '^ *-?[0-9]+([.][0-9]*)? *$' then cast({{ text }} as {{ type }}) end
{%- endmacro %}
