"""Conversations: how long they took, and on which day they started."""

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
        assistant=lower("assistant"),
        started_on=day("started_at"),
        duration_s=seconds("started_at", "ended_at"),
        is_deleted=given("deleted_at"),
    )


JOB = SparkJob(writes="core.mongodb__conversations", reads="raw.mongodb__conversations", transform=transform)
