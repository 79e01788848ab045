"""Task instances: how long they waited and took; a task that has no state yet has the state none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_jobs.conform import conform, day, lower, seconds
from spark_jobs.job import SparkJob

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def transform(rows: DataFrame) -> DataFrame:
    """Rows of the contract's columns, conformed."""
    return conform(
        rows,
        state=f"coalesce({lower('state')}, 'none')",
        due_on=day("due_at"),
        wait_s=seconds("queued_at", "started_at"),
        duration_s=seconds("started_at", "ended_at"),
    )


JOB = SparkJob(writes="core.airflow__task_instances", reads="raw.airflow__task_instances", transform=transform)
