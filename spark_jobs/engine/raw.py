"""Raw: what a source has new, appended as it came.

Where the source was left is read from what ``main`` published last, and the new position is read from what was written:
so a discarded attempt is read again, and a published one never twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enginedge.lake.contracts import contract
from enginedge.lake.rules import Dialect
from spark_jobs.engine.layout import layout_of
from spark_jobs.engine.night import Night
from spark_jobs.engine.progress import step
from spark_jobs.engine.publish import Branch, Seal, publish
from spark_jobs.engine.sources import Reading
from spark_jobs.engine.tables import Published, Table
from spark_jobs.job import RawJob

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COLUMNS = ("record", "record_bytes", "record_key", "position", "changed_at", "_night", "_ingested_at", "_run")


def append_night(spark: SparkSession, job: RawJob, night: Night) -> Published:
    """Append to ``job.writes`` what its source has new until the end of ``night``; nothing where that was done."""
    table = Table(spark, layout_of(contract(job.writes)))
    table.ensure()
    with step(job.writes, "raw") as facts:
        published, now = publish(table, night, lambda branch, before: _append(job, night, branch, before))
        facts.update(rows=published.counts["raw"] if now else 0, night=published.night, status=_status(now))
    return published


def _append(job: RawJob, night: Night, branch: Branch, before: Published | None) -> Seal:
    reading = Reading(
        session=branch.session,
        contract=contract(job.writes),
        night=night,
        position=before.position if before else {},
        known=branch.read(),
    )
    rows = job.reads.read(reading).selectExpr(
        "record",
        "record_bytes",
        "record_key",
        "position",
        "changed_at",
        f"DATE'{night.label}' AS _night",
        "current_timestamp() AS _ingested_at",
        f"{Dialect.SPARK.text(night.run)} AS _run",
    )
    branch.append(rows, branch.session.sparkContext.defaultParallelism)  # they all belong to one partition
    count = int(branch.head().get("added-records", "0"))
    added = branch.read().where(f"_night = DATE'{night.label}'")
    position = job.reads.position(reading, added) if count else reading.position
    return Seal(counts={"raw": count}, position={**reading.position, **position})


def _status(now: bool) -> str:
    return "published" if now else "already published"
