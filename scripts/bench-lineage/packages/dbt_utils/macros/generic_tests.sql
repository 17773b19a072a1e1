{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) %}
{%- set keys = [] -%}
{%- for name in combination_of_columns -%}
    {%- do keys.append(adapter.quote(name) if quote_columns else name) -%}
{%- endfor %}
select {{ keys | join(', ') }}
from {{ model }}
group by {{ keys | join(', ') }}
having count(*) > 1
{% endtest %}

{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
{%- set equal = '=' if inclusive else '' %}
select *
from {{ model }}
where false
{%- if min_value is not none %}
    or not {{ column_name }} >{{ equal }} {{ min_value }}
{%- endif %}
{%- if max_value is not none %}
    or not {{ column_name }} <{{ equal }} {{ max_value }}
{%- endif %}
{% endtest %}

{% test expression_is_true(model, expression, column_name=none) %}
select *
from {{ model }}
where not ({{ column_name if column_name is not none else '' }} {{ expression }})
{% endtest %}

{% test not_null_proportion(model, column_name, at_least, at_most=1.0, group_by_columns=[]) %}
{%- set by = (group_by_columns | join(', ')) ~ ', ' if group_by_columns else '' %}
select *
from (
    select {{ by }}count({{ column_name }}) / cast(count(*) as double) as not_null_proportion
    from {{ model }}
    {% if group_by_columns %}group by {{ group_by_columns | join(', ') }}{% endif %}
) as shares
where not_null_proportion < {{ at_least }} or not_null_proportion > {{ at_most }}
{% endtest %}

{% test at_least_one(model, column_name, group_by_columns=[]) %}
{%- set by = (group_by_columns | join(', ')) ~ ', ' if group_by_columns else '' %}
select {{ by }}count({{ column_name }}) as filler
from {{ model }}
{% if group_by_columns %}group by {{ group_by_columns | join(', ') }}{% endif %}
having count({{ column_name }}) = 0
{% endtest %}

{% test equal_rowcount(model, compare_model, group_by_columns=[]) %}
{%- set by = group_by_columns | join(', ') %}
{%- set keys = by ~ ', ' if by else '' %}
with ours as (
    select {{ keys }}count(*) as count_a from {{ model }} {{ 'group by ' ~ by if by else '' }}
),
theirs as (
    select {{ keys }}count(*) as count_b from {{ compare_model }} {{ 'group by ' ~ by if by else '' }}
)
select
    {{ keys }}coalesce(count_a, 0) as count_a,
    coalesce(count_b, 0) as count_b,
    abs(coalesce(count_a, 0) - coalesce(count_b, 0)) as diff_count
from ours
{% if by %}full join theirs using ({{ by }}){% else %}cross join theirs{% endif %}
where coalesce(count_a, 0) <> coalesce(count_b, 0)
{% endtest %}
