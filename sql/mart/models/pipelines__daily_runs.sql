with runs as (
    select
        dag_id,
        run_id,
        state,
        {{ day('run_after') }} as run_on,
        cast(date_diff('millisecond', started_at, ended_at) as decimal(18, 3)) / 1000 as duration_s
    from {{ source('core', 'airflow__dag_runs') }}
    where not is_deleted
),

tasks as (
    select
        dag_id,
        run_id,
        count(*) as task_instances,
        count_if(state = 'failed') as task_instances_failed
    from {{ source('core', 'airflow__task_instances') }}
    where not is_deleted
    group by 1, 2
)

select
    runs.run_on,
    runs.dag_id,
    runs.state,
    count(*) as runs,
    cast(sum(coalesce(tasks.task_instances, 0)) as bigint) as task_instances,
    cast(sum(coalesce(tasks.task_instances_failed, 0)) as bigint) as task_instances_failed,
    cast(avg(runs.duration_s) as decimal(18, 3)) as duration_mean_s,
    cast({{ percentile('runs.duration_s', 95) }} as decimal(18, 3)) as duration_p95_s
from runs
left join tasks on tasks.dag_id = runs.dag_id and tasks.run_id = runs.run_id
group by 1, 2, 3
