{#-
  The exact percentile by nearest rank: the smallest value that at least `percent` of 100 values do not exceed. Trino's
  approx_percentile is smaller in memory, but its answer depends on how the rows were split, and a mart must come out the
  same when it is built again.
-#}
{% macro percentile(value, percent) -%}
element_at(array_sort(array_agg({{ value }}) filter (where {{ value }} is not null)),
           cast(greatest(1, ceiling(count({{ value }}) * {{ percent }} / 100e0)) as integer))
{%- endmacro %}
