with tasks as (
    select
        dag_id,
        run_id,
        count(*) as task_instances,
        count_if(state = 'failed') as task_instances_failed
    from {{ source('core', 'airflow__task_instances') }}
    group by 1, 2
)

select
    runs.due_on,
    runs.dag_id,
    runs.state,
    count(*) as runs,
    cast(coalesce(sum(tasks.task_instances), 0) as bigint) as task_instances,
    cast(coalesce(sum(tasks.task_instances_failed), 0) as bigint) as task_instances_failed,
    cast(avg(cast(runs.duration_s as decimal(18, 6))) as decimal(18, 3)) as duration_mean_s,
    cast({{ percentile('runs.duration_s', 95) }} as decimal(18, 3)) as duration_p95_s
from {{ source('core', 'airflow__dag_runs') }} as runs
left join tasks on tasks.dag_id = runs.dag_id and tasks.run_id = runs.run_id
group by 1, 2, 3
