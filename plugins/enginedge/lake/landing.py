"""The raw files of the platform's bucket as external tables, so that a person can query them where they lie.

They are made in the metastore once and learn of new days each night; nothing is copied, and dropping one leaves the
files. Both engines see them: Trino as ``files.landing.…``, Spark as ``spark_catalog.landing.…``.
"""

from __future__ import annotations

from dataclasses import dataclass

from enginedge import trino

SCHEMA = "landing"
SOURCE = "bucket"


@dataclass(frozen=True)
class ExternalTable:
    """Text files under ``<folder>/dt=YYYY-MM-DD/``: a row a line."""

    name: str
    folder: str
    comment: str


NEWS = ExternalTable(
    "news_articles", "s3://platform/news/", "News articles as they came: one JSON document a line, a partition a day."
)


def ensure_external_tables() -> None:
    """Make the external tables where they are missing, and make the days known that came since.

    Raises:
        Misconfigured, Unavailable: Trino, or the metastore or store behind it, refused or did not answer.
    """
    trino.query(f"CREATE SCHEMA IF NOT EXISTS files.{SCHEMA} WITH (location = 's3://lake/{SCHEMA}')")
    trino.query(
        f"CREATE TABLE IF NOT EXISTS files.{SCHEMA}.{NEWS.name} (line varchar, dt varchar) COMMENT '{NEWS.comment}' "
        f"WITH (external_location = '{NEWS.folder}', format = 'TEXTFILE', partitioned_by = ARRAY['dt'])"
    )
    trino.query(f"CALL files.system.sync_partition_metadata('{SCHEMA}', '{NEWS.name}', 'ADD')")
