"""Runs of DAGs, from Airflow's own database, without their conf, which may hold anything."""

from __future__ import annotations

from spark_jobs.engine.sources.postgres import Rows
from spark_jobs.job import RawJob

RUNS = """
SELECT dag_id, run_id, run_type, state, triggered_by, clear_number,
       logical_date, run_after, queued_at, start_date, end_date, updated_at
FROM public.dag_run
"""

JOB = RawJob(
    writes="raw.airflow__dag_runs",
    reads=Rows(key=("dag_id", "run_id"), role="airflow-reader", select=RUNS, until_now=True),
)
