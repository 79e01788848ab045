{#- The mart's own measure against the total that its `meta` names in core: fails with both numbers. The sum over no rows is 0. -#}
{% test measure_equals_core(model) %}
{%- set meta = graph.nodes['model.enginedge_marts.' ~ model.identifier].config.meta if execute else {'measure': '0', 'equals': ''} %}
select of_mart, of_core
from (select coalesce({{ meta['measure'] }}, 0) as of_mart from {{ model }})
cross join ({{ meta['equals'] | replace('{core}', 'lake.' ~ var('core_schema')) }}) as core (of_core)
where of_mart is distinct from of_core
{% endtest %}
