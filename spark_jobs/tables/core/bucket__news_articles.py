"""News articles: topics and languages are written alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_jobs.conform import conform, day, lower
from spark_jobs.job import SparkJob

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def transform(rows: DataFrame) -> DataFrame:
    """Rows of the contract's columns, conformed."""
    return conform(
        rows,
        topic=lower("topic"),
        language=lower("language"),
        published_on=day("published_at"),
    )


JOB = SparkJob(writes="core.bucket__news_articles", reads="raw.bucket__news_articles", transform=transform)
