"""Task instances, from Airflow's own database, with the time when their run was due; no names of hosts, no users."""

from __future__ import annotations

from spark_jobs.engine.sources.postgres import Rows
from spark_jobs.job import RawJob

TASKS = """
SELECT t.dag_id, t.run_id, t.task_id, t.map_index, t.try_number, t.max_tries, t.state, t.operator, t.pool, t.queue,
       t.scheduled_dttm, t.queued_dttm, t.start_date, t.end_date, r.run_after, t.updated_at
FROM public.task_instance AS t
JOIN public.dag_run AS r ON r.dag_id = t.dag_id AND r.run_id = t.run_id
"""

JOB = RawJob(
    writes="raw.airflow__task_instances",
    reads=Rows(key=("dag_id", "run_id", "task_id", "map_index"), role="airflow-reader", select=TASKS, until_now=True),
)
