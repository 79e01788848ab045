"""Appointments: kinds and states are written alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_jobs.conform import conform, day, given, lower, seconds
from spark_jobs.job import SparkJob

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def transform(rows: DataFrame) -> DataFrame:
    """Rows of the contract's columns, conformed."""
    return conform(
        rows,
        kind=lower("kind"),
        state=lower("state"),
        starts_on=day("starts_at"),
        duration_s=seconds("starts_at", "ends_at"),
        created_on=day("created_at"),
        is_deleted=given("deleted_at"),
    )


JOB = SparkJob(writes="core.postgres__schedules", reads="raw.postgres__schedules", transform=transform)
