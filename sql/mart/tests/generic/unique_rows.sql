{#- Fails with one row for each key that occurs more than once. -#}
{% test unique_rows(model, columns) %}
select {{ columns | join(', ') }}, count(*) as occurrences
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
