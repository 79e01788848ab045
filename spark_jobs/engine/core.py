"""Core: the raw rows that core has not seen, parsed, judged, deduplicated and merged where they are newer.

What core has seen is the night that it published last, so a night that failed between raw and core, or that was left
out, is caught up by the next. Quarantine is published while core is merged, before core itself, and written anew by a
rerun until core is published.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from enginedge.lake.contracts import Contract, contract
from enginedge.lake.counts import Counts
from spark_jobs.engine import audit, quarantine
from spark_jobs.engine.layout import CATALOG, layout_of, quarantine_of
from spark_jobs.engine.night import Night
from spark_jobs.engine.parse import RULE, conformed, kept
from spark_jobs.engine.progress import step
from spark_jobs.engine.publish import Branch, Seal, publish
from spark_jobs.engine.tables import Published, Table
from spark_jobs.engine.versions import NAME, ORDER, VERDICT, Survey, classified, survey
from spark_jobs.job import SparkJob

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


A_FILE = 1_000_000
"""So many rows are a file's: what one task writes in seconds need not be spread over several."""


@dataclass(frozen=True)
class Batch:
    """The raw rows that one attempt works on, judged; ``nights`` is the condition on ``_night`` that chose them."""

    job: SparkJob
    contract: Contract
    night: Night
    nights: str
    judged: DataFrame

    @property
    def good(self) -> DataFrame:
        """The rows that break no rule, without the records they came from: those need not be sorted and sent about."""
        columns = [NAME(column.name) for column in self.contract.columns]
        return self.judged.where(f"{RULE} IS NULL").selectExpr(*columns, *ORDER)


def refresh(spark: SparkSession, job: SparkJob, night: Night) -> tuple[Published, bool]:
    """Bring core and quarantine up to ``night``. Returns what core has published, and whether this call did it.

    The published counts say how long it took until they were sealed, in seconds.
    """
    began = time.monotonic()
    promised = contract(job.writes)
    core = Table(spark, layout_of(promised))
    rejected = Table(spark, quarantine_of(promised))
    core.ensure()
    rejected.ensure()

    if night.full_refresh and (before := core.published()) and before.night > night.day:
        night = replace(night, day=before.night)

    def write(branch: Branch, before: Published | None) -> Seal:
        batch = _batch(branch, job, night, before)
        # A night's batch is kept for seconds: packing it small costs more than it saves. A rebuild's may fill disks.
        branch.session.conf.set("spark.sql.inMemoryColumnarStorage.compressed", str(night.full_refresh).lower())
        batch.judged.persist()
        try:
            seen = survey(batch.judged, promised)
            with ThreadPoolExecutor(1) as beside:  # to publish is the driver's work, to merge the executors'
                published = beside.submit(_quarantine, rejected, batch, seen, branch)
                seal = _merge(branch, batch, seen)
                published.result()
            return replace(seal, counts={**seal.counts, "seconds": round(time.monotonic() - began, 2)})
        finally:
            batch.judged.unpersist()

    return publish(core, night, write, anew=night.full_refresh)


def _batch(branch: Branch, job: SparkJob, night: Night, before: Published | None) -> Batch:
    nights = f"_night <= DATE'{night.label}'"
    if before is not None and not night.full_refresh:
        nights += f" AND _night > DATE'{before.night}'"
    promised = contract(job.writes)
    raw = branch.session.table(f"{CATALOG}.{job.reads}").where(nights)
    judged = conformed(raw, promised, job.record_as_json, job.transform)
    return Batch(job, promised, night, nights, _records_of_broken_rows_alone(judged))


def _records_of_broken_rows_alone(judged: DataFrame) -> DataFrame:
    """Only quarantine gives records back as they came. The good rows' would be most of what is cached of a batch."""
    of_broken = {
        name: f"CASE WHEN {RULE} IS NOT NULL THEN {name} END AS {name}"
        for name in map(kept, ("record", "record_bytes", "record_key"))
    }
    return judged.selectExpr(*(of_broken.get(name, NAME(name)) for name in judged.columns))


def _quarantine(table: Table, batch: Batch, seen: Survey, beside: Branch) -> None:
    """Publish the batch's broken rows. Without any there is nothing to do, unless an earlier attempt left some."""
    if not seen.broken and not batch.night.full_refresh:
        before = table.published()
        if before is None or before.night < batch.night.day:
            return

    def write(branch: Branch, before: Published | None) -> Seal:  # noqa: ARG001 - quarantine follows core's position
        nights = "true" if batch.night.full_refresh else batch.nights
        return Seal({"quarantined": quarantine.replace(branch, batch.judged, batch.contract, nights)}, {})

    with step(table.layout.table, "quarantine") as facts:
        published, _ = publish(table, batch.night, write, anew=True, beside=beside)
        facts["rows"] = published.counts["quarantined"]


def _merge(branch: Branch, batch: Batch, seen: Survey) -> Seal:
    with step(batch.contract.table, "core") as facts:
        has = None if batch.night.full_refresh else branch.read()
        rows = classified(batch.good, has, batch.contract, seen.periods).persist()
        try:
            counts = _counts(rows, batch, seen)
            audit.check_counts(counts, batch.contract.table)
            if counts.accepted or batch.night.full_refresh:
                _write(branch, batch, rows.where(f"{VERDICT} IN ('insert', 'update')"), counts, seen.periods)
                _audit(branch, batch, seen, counts)
        finally:
            rows.unpersist()
        facts.update(asdict(counts))
    said = {**asdict(counts), "nights": batch.nights, "full_refresh": batch.night.full_refresh}
    return Seal(said, {}, empty=not counts.accepted)


def _counts(rows: DataFrame, batch: Batch, seen: Survey) -> Counts:
    found = rows.groupBy(VERDICT).count().collect() if seen.good else []
    by: dict[str, int] = {row[VERDICT]: row["count"] for row in found}
    inserted, updated = by.get("insert", 0), by.get("update", 0)
    return Counts(
        raw=batch.judged.sparkSession.table(f"{CATALOG}.{batch.job.reads}").where(batch.nights).count(),
        accepted=inserted + updated,
        quarantined=seen.broken,
        duplicate=by.get("duplicate", 0),
        superseded=by.get("superseded", 0),
        inserted=inserted,
        updated=updated,
    )


def _write(branch: Branch, batch: Batch, new: DataFrame, counts: Counts, periods: str) -> None:
    """Rows that are all new are appended: a merge would look for each of them in core once more. The audit would find
    one that is there."""
    from pyspark.sql.functions import lit

    columns = [NAME(column.name) for column in batch.contract.columns]
    rows = new.selectExpr(*columns)
    if batch.night.full_refresh:
        rows.writeTo(branch.table.name).overwrite(lit(True))
        return
    if not counts.updated:
        if counts.accepted <= A_FILE:
            branch.append(rows, 1)
        else:
            rows.writeTo(branch.table.name).append()
        return
    view = f"new_{batch.contract.name}"
    rows.createOrReplaceTempView(view)
    same = " AND ".join(f"t.{NAME(column)} = s.{NAME(column)}" for column in batch.contract.key)
    where = _of_target(periods, batch.contract)
    version = NAME(batch.contract.version)
    branch.session.sql(
        f"MERGE INTO {branch.table.name} t USING {view} s ON {same} AND ({where}) "
        f"WHEN MATCHED AND s.{version} > t.{version} THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


def _of_target(periods: str, promised: Contract) -> str:
    if promised.partition is None:
        return periods
    column = NAME(promised.partition.column)
    return periods.replace(column, f"t.{column}")


def _audit(branch: Branch, batch: Batch, seen: Survey, counts: Counts) -> None:
    """Read back what was written, and the other rows in which the batch's keys may stand: all, after a rebuild.

    The keys are those of the judged rows: a frame that was made from core itself is computed again after the merge, by
    Spark's own doing, and would find everything known.
    """
    audit.check_added(counts, branch.head(), batch.contract.table)
    rows = branch.read()
    others = rows.where(f"NOT ({batch.nights})")
    if not batch.night.full_refresh:
        keys: list[Any] = list(batch.contract.key)
        others = others.where(seen.periods).join(batch.good.select(*keys), keys, "left_semi")
    audit.check_branch(rows.where(batch.nights), others, batch.contract, counts.accepted)
