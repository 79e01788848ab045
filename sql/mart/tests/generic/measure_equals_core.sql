{#- The mart's own measure against the total that its `meta` names in core: fails with both numbers. -#}
{% test measure_equals_core(model) %}
{%- set meta = graph.nodes['model.enginedge_marts.' ~ model.identifier].config.meta if execute else {'measure': '', 'equals': ''} %}
select of_mart, of_core
from (select {{ meta['measure'] }} as of_mart from {{ model }})
cross join ({{ meta['equals'] | replace('{core}', 'lake.' ~ var('core_schema')) }}) as core (of_core)
where of_mart is distinct from of_core
{% endtest %}
