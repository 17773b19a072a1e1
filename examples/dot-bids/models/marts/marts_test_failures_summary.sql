{#- One row a failing test and state, counted in the tables where the last test run stored its failures. -#}
{{ config(enabled=var('build_test_summary', false), materialized='table') }}

{%- set counts = [] %}
{%- if execute %}
    {%- for test in graph.nodes.values() | selectattr('resource_type', 'equalto', 'test') | sort(attribute='unique_id') %}
        {%- set stored = adapter.get_relation(test.database, test.schema, test.alias) %}
        {%- if stored %}
            {%- set columns = adapter.get_columns_in_relation(stored) | map(attribute='name') | map('lower') | list %}
            {%- set state = 'cast(state as varchar)' if 'state' in columns else "'(all)'" %}
            {%- do counts.append(
                "select '" ~ test.name ~ "' as test_name, " ~ state ~ " as state, count(*) as failures from " ~ stored ~ " group by 1, 2"
            ) %}
        {%- endif %}
    {%- endfor %}
{%- endif %}

select test_name, state, failures
from (
    {{ counts | join('\n    union all\n    ') if counts else "select '' as test_name, '' as state, 0 as failures" }}
) as counted
where failures > 0
