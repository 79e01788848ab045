"""Rows of a PostgreSQL table, each whole, as PostgreSQL's own JSON.

The query runs in PostgreSQL: the filter by change time (rows without one are read every night), and the row as JSON.
Read in parts by change time, the first of them open at its lower end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from enginedge.settings import settings
from spark_jobs.engine.sources import Reading, newest_change

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PARTS = 2
FETCH = 5000
BOUND = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Rows:
    """The rows of ``select``, by key ``key`` and change time ``changed``, read as ``role`` with its secret.

    Attributes:
        select: the query whose rows are the records; the whole table where none is given.
        until_now: read everything that is committed, not only what changed until the night's end.
    """

    key: tuple[str, ...]
    role: str
    changed: str = "updated_at"
    select: str | None = None
    until_now: bool = False

    def read(self, reading: Reading) -> DataFrame:
        origin = reading.origin
        endpoint = settings().endpoint("postgres")
        reader = (
            reading.session.read.format("jdbc")
            .option("driver", "org.postgresql.Driver")
            .option(
                "url", f"jdbc:postgresql://{endpoint}/{origin.container}?connectTimeout=5&ApplicationName=enginedge"
            )
            .option("user", self.role.replace("-", "_"))
            .option("password", settings().secret(f"postgres-{self.role}"))
            .option("fetchsize", FETCH)
            .option("dbtable", f"({self._query(reading, origin.objects[0])}) AS records")
        )
        until = datetime.now(UTC) if self.until_now else reading.night.end
        if reading.since is not None and reading.since < until:
            reader = (
                reader.option("partitionColumn", "changed_at")
                .option("numPartitions", PARTS)
                .option("lowerBound", reading.since.strftime(BOUND))
                .option("upperBound", until.strftime(BOUND))
            )
        rows = reader.load().selectExpr("record", "CAST(NULL AS binary) AS record_bytes", "record_key", "changed_at")
        position = "concat(record_key, '@', coalesce(CAST(changed_at AS string), '')) AS position"
        return reading.unknown(rows).selectExpr("record", "record_bytes", "record_key", position, "changed_at")

    def position(self, reading: Reading, written: DataFrame) -> dict[str, Any]:  # noqa: ARG002 - the protocol's
        return newest_change(written)

    def _query(self, reading: Reading, table: str) -> str:
        """The records with their key and change time; times are literals of ours, so nothing is to be escaped."""
        bounds = [] if self.until_now else [f"{self.changed} < timestamptz '{reading.night.end.isoformat()}'"]
        if reading.since is not None:
            bounds.append(f"{self.changed} >= timestamptz '{reading.since.isoformat()}'")
        where = f"({' AND '.join(bounds)}) OR {self.changed} IS NULL" if bounds else "true"
        key = " || '/' || ".join(f"{column}::text" for column in self.key)
        select = self.select or f"SELECT * FROM {table}"  # noqa: S608 - names from contract and module
        return (
            f"SELECT to_jsonb(r)::text AS record, {key} AS record_key, {self.changed} AS changed_at "  # noqa: S608
            f"FROM ({select}) AS r WHERE {where}"
        )
