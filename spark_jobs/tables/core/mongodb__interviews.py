"""Interviews: stages are written alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_jobs.conform import conform, day, given, lower
from spark_jobs.job import SparkJob

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def transform(rows: DataFrame) -> DataFrame:
    """Rows of the contract's columns, conformed."""
    return conform(
        rows,
        stage=lower("stage"),
        stage_changed_on=day("stage_changed_at"),
        created_on=day("created_at"),
        is_deleted=given("deleted_at"),
    )


JOB = SparkJob(writes="core.mongodb__interviews", reads="raw.mongodb__interviews", transform=transform)
