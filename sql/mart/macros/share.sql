{#- part / whole to six places, exactly: decimals, because a double's last digit depends on the order of the rows. -#}
{% macro share(part, whole) %}cast({{ part }} as decimal(18, 6)) / nullif(cast({{ whole }} as decimal(18, 0)), 0){% endmacro %}
