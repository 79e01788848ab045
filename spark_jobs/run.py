"""The Spark application of one source and night: every table of the source, raw then core, two tables at a time.

``python -m spark_jobs.run --source mongodb --night 2026-11-23 --run <id> [--full-refresh] [--table core.…]``

Each table is published for itself: one that fails is named and stays as it was, the others finish, and the application
ends with status 1.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any

from enginedge.errors import EnginEdgeError
from enginedge.lake.contracts import Contract, contracts
from enginedge.lake.failures import named
from spark_jobs.engine import core
from spark_jobs.engine.night import Night
from spark_jobs.engine.progress import say
from spark_jobs.engine.raw import append_night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AT_A_TIME = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the source's tables; 0 when every one of them is published."""
    asked = _asked(argv)
    night = Night(date.fromisoformat(asked.night), asked.run, asked.full_refresh)
    chosen = [each for each in contracts("core", asked.source) if not asked.table or each.table in asked.table]
    spark = _session(f"{asked.source}.{night.label}")
    say(asked.source, "started", application=spark.sparkContext.applicationId, tables=[each.table for each in chosen])
    try:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            done = list(pool.map(lambda promised: refresh_table(spark, promised, night), chosen))
    finally:
        spark.stop()
    return 0 if all(done) else 1


def refresh_table(spark: SparkSession, promised: Contract, night: Night) -> bool:
    """Raw, quarantine and core of one table, each published for itself; whether all of them are."""
    try:
        append_night(spark, import_module(f"spark_jobs.tables.raw.{promised.name}").JOB, night)
        published, now = core.refresh(spark, import_module(f"spark_jobs.tables.core.{promised.name}").JOB, night)
    except Exception as error:  # noqa: BLE001 - every failure of a table is named, and the others go on
        _say_failure(named(error, promised.table), promised.table)
        return False
    facts: dict[str, Any] = {**published.counts, "night": published.night, "snapshot": published.snapshot_id}
    facts["status"] = "published" if now else "already published"
    say(promised.table, "done", **facts)
    return True


def _say_failure(failure: EnginEdgeError, table: str) -> None:
    traceback.print_exc()
    say(
        table,
        "failed",
        kind=type(failure).__name__,
        what=failure.what,
        where=str(failure.where or table),
        remedy=failure.remedy,
        untouched=failure.untouched,
    )


def _asked(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="spark_jobs.run", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--source", required=True)
    parser.add_argument("--night", required=True, help="the UTC day, YYYY-MM-DD")
    parser.add_argument("--run", required=True, help="who asks: an identifier that the published snapshots carry")
    parser.add_argument("--full-refresh", action="store_true", help="rebuild core and quarantine from the whole of raw")
    parser.add_argument("--table", action="append", default=[], help="only this core table; may be repeated")
    return parser.parse_args(argv)


def _session(name: str) -> SparkSession:
    from pyspark.sql import SparkSession

    return SparkSession.builder.appName(name).getOrCreate()


if __name__ == "__main__":
    sys.exit(main())
