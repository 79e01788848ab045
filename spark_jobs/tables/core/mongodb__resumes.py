"""Resumes: skills are written alike, and keep their order."""

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
        skills=f"transform(skills, skill -> {lower('skill')})",
        created_on=day("created_at"),
        is_deleted=given("deleted_at"),
    )


JOB = SparkJob(writes="core.mongodb__resumes", reads="raw.mongodb__resumes", transform=transform)
