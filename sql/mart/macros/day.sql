{#- The UTC day of an instant. -#}
{% macro day(instant) %}cast({{ instant }} at time zone 'UTC' as date){% endmacro %}
