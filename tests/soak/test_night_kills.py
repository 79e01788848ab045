"""A night killed again and again: at every step in one lake, and at any moment on the real stack."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from enginedge import trino
from enginedge.lake import declared
from enginedge.settings import settings
from tests.installation import ROOT, enginedge
from tests.integration.conftest import SCALE, SEED, Lake
from tests.integration.expected import expected
from tests.spark_drivers import spark_drivers
from tests.spark_jobs.lake import Lake as SparkLake
from tests.spark_jobs.test_kills import assert_ends_as_if_nothing_had_happened

STEPS = [f"{point}:{layer}" for layer in ("raw", "quarantine", "core") for point in ("audited", "sealed")]
KILLS, KILL_SEED = 20, 5
NIGHT = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
SOURCE = "postgres"
Record = Callable[[str, object], None]


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # PySpark's, once they are collected
@pytest.mark.timeout(1800)
def test_killed_twice_at_each_of_its_six_steps_a_night_ends_as_if_nothing_had_happened(
    lake: SparkLake, record_property: Record
) -> None:
    kills = [step for step in STEPS for _ in range(2)]
    assert_ends_as_if_nothing_had_happened(lake, kills)
    record_property("kills", len(kills))


@pytest.mark.stack
@pytest.mark.destructive
@pytest.mark.timeout(3600)
def test_killed_at_any_moment_a_night_publishes_a_table_whole_or_not_at_all(
    lake_of_one_night: Lake, record_property: Record
) -> None:
    enginedge("lake", "seed", "--nights", "1", "--scale", str(SCALE), "--seed", str(SEED), "--until", NIGHT)
    tables = [table.removeprefix("core.") for table in declared.tables_of(SOURCE)]
    after = str(trino.query(f"select max(_night) from raw.{tables[0]}").rows[0][0])  # noqa: S608
    assert after < NIGHT, f"the night has run before, and would be killed for nothing: remove {settings().state}"
    wanted = expected(NIGHT, after)
    chance, ended = random.Random(KILL_SEED), Counter[str]()
    before = {table: rows(table) for table in tables}
    began = time.monotonic()
    enginedge("lake", "run", "--night", after, "--source", SOURCE, "--full-refresh")
    took = time.monotonic() - began  # a night that is new takes about as long
    for moment in sorted(chance.uniform(0.2, 0.95) for _ in range(KILLS)):
        ended[killed_after(moment * took)] += 1
        for table in tables:
            assert rows(table) in (before[table], wanted[table].raw), "a part of the night is visible"
        if ended["ended before"]:  # what follows would meet a night that has run
            break
    record_property("kills", dict(ended))
    assert ended["with a driver"] >= KILLS * 3 // 4, "it was killed when there was little to kill"
    summary = json.loads(enginedge("lake", "run", "--night", NIGHT, "--source", SOURCE, "--json").stdout)
    for each in summary["tables"]:
        table = each["table"].removeprefix("core.")
        if table in tables:
            assert {place: each[place] for place in asdict(wanted[table])} == asdict(wanted[table])
            branches = trino.query(f'select name from raw."{table}$refs" union select name from core."{table}$refs"')  # noqa: S608
            assert [name for (name,) in branches.rows] == ["main"]
    record_property("seed", KILL_SEED)


def rows(table: str) -> int:
    """How many rows of the night readers see in raw."""
    return int(trino.query(f"select count(*) from raw.{table} where _night = date '{NIGHT}'").rows[0][0])  # noqa: S608


def killed_after(seconds: float) -> str:
    """Start the night, and kill it and all that it started after so long; says what was met."""
    run = subprocess.Popen(
        [sys.executable, "-m", "enginedge", "lake", "run", "--night", NIGHT, "--source", SOURCE],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    if run.poll() is not None:
        return "ended before"
    drivers = list(spark_drivers(run.pid))
    for process in [*drivers, psutil.Process(run.pid)]:
        process.kill()
    run.wait()
    return "with a driver" if drivers else "without one"
