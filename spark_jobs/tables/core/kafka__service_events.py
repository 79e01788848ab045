"""Events of the workers: seconds instead of milliseconds, the family from the topic, the delay until arrival."""

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
        family="regexp_replace(split(family, '/')[0], '^events[.]', '')",
        outcome=lower("outcome"),
        occurred_on=day("occurred_at"),
        delay_s=seconds("occurred_at", "arrived_at"),
        duration_s="duration_s / 1000",
        queue_s="queue_s / 1000",
    )


JOB = SparkJob(writes="core.kafka__service_events", reads="raw.kafka__service_events", transform=transform)
