"""A lake of one table pair, conversations, that a test runs nights on and looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from enginedge.lake.contracts import contract
from spark_jobs.engine import core
from spark_jobs.engine.layout import layout_of, quarantine_of
from spark_jobs.engine.night import Night
from spark_jobs.engine.raw import append_night
from spark_jobs.engine.tables import Published, Table
from spark_jobs.job import RawJob
from spark_jobs.tables.core.mongodb__conversations import JOB
from tests.fakes.source import FakeCollection

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NAME = "mongodb__conversations"
FIRST, SECOND, THIRD = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)


def conversation(key: str, at: str, /, **changed: Any) -> dict[str, Any]:
    """A document that fulfils its contract, but for what is ``changed``."""
    return {
        "_id": key,
        "user_id": "u-1",
        "assistant": "coach",
        "model": "edge-1",
        "topic": "cover letter",
        "messages": 3,
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "cost_usd": {"$numberDecimal": "0.0123"},
        "started_at": {"$date": "2026-11-20T10:00:00Z"},
        "ended_at": {"$date": "2026-11-20T10:05:00.5Z"},
        "updated_at": {"$date": at},
        **changed,
    }


@dataclass
class Lake:
    """``source`` is what the nights read; ``table(layer)`` gives the engine's view of one of the three tables."""

    spark: SparkSession
    source: FakeCollection = field(default_factory=FakeCollection)

    def table(self, layer: str) -> Table:
        promised = contract(f"core.{NAME}")
        layouts = {
            "raw": layout_of(contract(f"raw.{NAME}")),
            "core": layout_of(promised),
            "quarantine": quarantine_of(promised),
        }
        return Table(self.spark, layouts[layer])

    def night(self, day: date, run: str = "test", *, full_refresh: bool = False) -> Published:
        """Run one night on raw and core, as the application does."""
        night = Night(day, run, full_refresh)
        append_night(self.spark, RawJob(f"raw.{NAME}", self.source), night)
        return core.refresh(self.spark, JOB, night)[0]

    def read(self, layer: str) -> DataFrame:
        return self.spark.table(f"lake.{layer}.{NAME}")

    def rows(self, layer: str, *columns: str) -> list[tuple[Any, ...]]:
        """The rows of a table, sorted, as plain values."""
        frame = self.read(layer)
        return sorted((tuple(row) for row in (frame.select(*columns) if columns else frame).collect()), key=str)

    def mains(self) -> dict[str, int]:
        """Where ``main`` of each of the three tables stands."""
        return {layer: self.table(layer).main() for layer in ("raw", "quarantine", "core")}

    def branches(self) -> list[str]:
        """Every branch but ``main``, of all three tables."""
        found = []
        for layer in ("raw", "quarantine", "core"):
            if self.spark.catalog.tableExists(self.table(layer).name):
                found += [name for name in self.table(layer).iceberg().refs().keySet() if name != "main"]
        return found

    def drop(self) -> None:
        for layer in ("raw", "quarantine", "core"):
            self.spark.sql(f"DROP TABLE IF EXISTS lake.{layer}.{NAME} PURGE")
