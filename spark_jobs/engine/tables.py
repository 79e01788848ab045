"""A table of the lake as Iceberg keeps it: made and evolved from its layout, asked for what it has published.

What a table has published stands in the summary of a snapshot of ``main`` and nowhere else: the night, the run, the
position in the source and the counts. Maintenance adds snapshots without them, so the newest that has them counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from enginedge.errors import Misconfigured
from spark_jobs.engine.java import java_class
from spark_jobs.engine.layout import Layout

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MAIN = "main"
NIGHT, RUN, POSITION, COUNTS = "enginedge.night", "enginedge.run", "enginedge.position", "enginedge.counts"


@dataclass(frozen=True)
class Published:
    """What ``main`` last published: the night, by which run, up to where in the source, with which counts."""

    night: date
    run: str
    position: dict[str, Any]
    counts: dict[str, Any]
    snapshot_id: int


class Table:
    """One table, seen through one session. Nothing is cached: every question reads the metastore anew."""

    def __init__(self, spark: SparkSession, layout: Layout) -> None:
        self.spark = spark
        self.layout = layout
        self.name = layout.full_name
        self._iceberg = java_class(spark, "org.apache.iceberg.spark.Spark3Util")
        self._schemas = java_class(spark, "org.apache.iceberg.spark.SparkSchemaUtil")

    def iceberg(self) -> Any:
        """Iceberg's own object of the table, freshly loaded."""
        return self._iceberg.loadIcebergTable(self.spark._jsparkSession, self.name)

    def ensure(self) -> None:
        """Make the table where there is none, add the columns that are new, and give ``main`` a first, empty snapshot.

        Raises:
            Misconfigured: a column of the contract has another type than the table's.
        """
        schema = self.name.rpartition(".")[0]
        if not self.spark.catalog.tableExists(self.name):
            self.spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {schema}")
            self.spark.sql(self.layout.create())
        table = self.iceberg()
        self._evolve(table)
        if table.currentSnapshot() is None:
            table.newAppend().commit()

    def _evolve(self, table: Any) -> None:
        fields = self._schemas.convert(table.schema()).fields()
        existing = {field.name(): field.dataType().catalogString() for field in fields}
        for name, type_, comment in self.layout.columns:
            if name not in existing:
                self.spark.sql(f"ALTER TABLE {self.name} ADD COLUMN {self.layout.column(name, type_, comment)}")
            elif existing[name] != type_:
                raise Misconfigured(
                    f"{self.layout.table}.{name} is {type_} in the contract and {existing[name]} in the lake",
                    where=f"sql/contracts/{self.layout.table}.yaml",
                    remedy="give the column another name, or the type that it has",
                )

    def main(self) -> int:
        """The snapshot that ``main`` stands on."""
        return int(self.iceberg().currentSnapshot().snapshotId())

    def published(self, loaded: Any = None) -> Published | None:
        """What was published last, as ``loaded`` or else the metastore has it; nothing for a table that never did."""
        for snapshot in _history(loaded or self.iceberg()):
            summary = snapshot.summary()
            if summary.get(COUNTS):
                return Published(
                    night=date.fromisoformat(summary.get(NIGHT)),
                    run=summary.get(RUN),
                    position=json.loads(summary.get(POSITION) or "{}"),
                    counts=json.loads(summary.get(COUNTS)),
                    snapshot_id=int(snapshot.snapshotId()),
                )
        return None


def _history(table: Any) -> Iterator[Any]:
    snapshot = table.currentSnapshot()
    while snapshot is not None:
        yield snapshot
        parent = snapshot.parentId()
        snapshot = table.snapshot(parent) if parent is not None else None
