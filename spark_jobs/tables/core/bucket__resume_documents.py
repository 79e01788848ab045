"""Documents of resumes: the front matter gives the fields, the rest is the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_jobs.conform import conform
from spark_jobs.job import SparkJob

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


_PARTS = r"r'(?s)\A---\r?\n(.*?)\r?\n---\r?\n(.*)\z'"
_FIELDS = rf"str_to_map(regexp_extract(record, {_PARTS}, 1), r'\r?\n', r':[ ]*')"
FRONT_MATTER_AS_JSON = (
    f"CASE WHEN regexp_like(record, {_PARTS}) "
    f"THEN to_json(map_concat({_FIELDS}, map('body', regexp_extract(record, {_PARTS}, 2)))) END"
)


def transform(rows: DataFrame) -> DataFrame:
    """Rows of the contract's columns, conformed."""
    return conform(
        rows,
        document_key="substring_index(document_key, '@', 1)",
        characters="length(body)",
    )


JOB = SparkJob(
    writes="core.bucket__resume_documents",
    reads="raw.bucket__resume_documents",
    transform=transform,
    record_as_json=FRONT_MATTER_AS_JSON,
)
