"""Users: addresses, plans and countries are written alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_jobs.conform import conform, day, given, lower, upper
from spark_jobs.job import SparkJob

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def transform(rows: DataFrame) -> DataFrame:
    """Rows of the contract's columns, conformed."""
    return conform(
        rows,
        email=lower("email"),
        plan=lower("plan"),
        country=upper("country"),
        created_on=day("created_at"),
        is_deleted=given("deleted_at"),
    )


JOB = SparkJob(writes="core.mongodb__users", reads="raw.mongodb__users", transform=transform)
