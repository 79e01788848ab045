"""The main job of ``make up`` is killed, with its driver, PostgreSQL, what takes long to start and the supervisor.

With only a part of the stack up again, a night without Trino moves no mart, and the health check misses what is not
there. With all of it up again, the main job ends well. The night that it runs is the one that every bad day broke
before.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deploy.local import kernel, remains
from deploy.local.layout import local
from deploy.local.supervisor import Supervisor
from enginedge import trino
from enginedge.settings import settings
from tests.installation import ROOT, enginedge, stack
from tests.integration.conftest import BAD_NIGHT, SCALE, Lake
from tests.integration.expected import expected
from tests.integration.lineage_verbs import in_time
from tests.integration.metastore_locks import locked_tables
from tests.integration.test_bad_days import ANSWERING, BEATING, NEEDED_BY, assert_says, heads, not_ready, run
from tests.local.test_kills import KILLED_AMID_THE_MAIN_JOB
from tests.spark_drivers import spark_drivers

pytestmark = [pytest.mark.stack, pytest.mark.destructive]

# The night is named: the default is another one when midnight has passed since the tests were collected.
JOB = ("lake", "first-night", "--night", BAD_NIGHT, "--scale", str(SCALE), "--json")


def kill_a_driver() -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        for driver in spark_drivers():
            time.sleep(5)  # it is in the middle of its work
            mapped = Path(f"/proc/{driver.pid}/maps").read_text()
            driver.kill()
            assert settings().toolchain()["spark_classes"] in mapped, "it did not start from the recorded classes"
            return
        time.sleep(0.5)
    raise AssertionError("no driver was started")


def kill_the_supervisor() -> None:
    supervisor = remains.remembered(local(), remains.SUPERVISOR)
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)


def branches() -> set[str]:
    """The names of the branches that raw and core tables have."""
    tables = trino.query("select table_schema, table_name from information_schema.tables").rows
    refs = [
        f"select name from {trino.quoted(schema, name + '$refs')}"  # noqa: S608
        for schema, name in tables
        if schema in ("raw", "core")
    ]
    return {row[0] for row in trino.query(" union ".join(refs)).rows}


def raw_rows_by_night(table: str) -> dict[str, int]:
    counted = f"select cast(_night as varchar), count(*) from {trino.quoted('raw', table)} group by 1"  # noqa: S608
    return dict(map(tuple, trino.query(counted).rows))


@dataclass(frozen=True)
class Killed:
    """What was there when the main job was killed: every process of the stack, and the snapshot of each mart."""

    processes: list[kernel.Process]
    marts: dict[str, int]


@pytest.fixture(scope="module")
def killed(bad_night: str) -> Killed:
    """Its first Spark driver is in the middle of its work; the supervisor dies before the services that it would start
    again."""
    marts, gone = heads("mart"), set[str]()
    argv = [sys.executable, "-m", "enginedge", *JOB]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as first:
        kill_a_driver()
        os.kill(Supervisor(local()).processes()["postgres"].pid, signal.SIGKILL)
        time.sleep(3)
        before, supervised = remains.belonging(local()), Supervisor(local()).processes()
        there = {each.pid for each in before}
        kill_the_supervisor()
        for name in KILLED_AMID_THE_MAIN_JOB:
            with suppress(ProcessLookupError):
                if (pid := supervised[name].pid) in there:  # without PostgreSQL it may have ended by itself
                    os.kill(pid, signal.SIGKILL)
                    gone.add(name)
        first.terminate()  # as a person would, who need not wait until it gives Airflow up
        _, said = first.communicate(timeout=60)
    assert first.returncode == -signal.SIGTERM, said
    assert gone >= {"kafka", "trino", "jupyter"}, "what does without PostgreSQL was there to be killed"
    return Killed(before, marts)


def test_without_trino_no_mart_moves_and_what_no_night_needs_is_missed_by_the_health_check_alone(
    killed: Killed, bad_night: str
) -> None:
    """Trino is all that the night misses; what only beats is missed within a minute."""
    stack("up", "--only", ",".join(NEEDED_BY))
    gone = {"trino", *ANSWERING, *BEATING}
    failed = run(bad_night, "airflow")
    until = time.monotonic() + 40
    while (found := not_ready()).keys() != gone and time.monotonic() < until:
        time.sleep(1)
    assert_says(failed, 3, "Trino did not answer", "make logs S=trino")
    assert found.keys() == gone
    assert all(found.values())
    stack("start", "trino")
    assert heads("mart") == killed.marts


def test_killed_in_the_middle_and_started_again_the_main_job_ends_with_the_counts_of_the_sources(
    killed: Killed, lake_of_one_night: Lake, bad_night: str
) -> None:
    stack("up")
    began = time.time()
    assert [each.command for each in killed.processes if kernel.is_same(each)] == []
    shown: dict[str, Any] = json.loads(enginedge(*JOB).stdout)
    counted = {each["table"].removeprefix("core."): each for each in shown["summary"]["tables"]}
    wanted = {table: asdict(counts) for table, counts in expected(bad_night, lake_of_one_night.night).items()}
    assert {table: {place: counted[table][place] for place in wanted[table]} for table in wanted} == wanted
    before_it = {each["table"].removeprefix("core."): each["raw"] for each in lake_of_one_night.summary["tables"]}
    for table in wanted:
        by_night = {lake_of_one_night.night: before_it[table], bad_night: counted[table]["raw"]}
        assert raw_rows_by_night(table) == by_night, "a second night adds its own rows and no other"
    assert shown["night"] == bad_night
    assert len(shown["rows"]) == 10
    assert date.fromisoformat(shown["rows"][0][0]) >= date.fromisoformat(lake_of_one_night.night)
    assert shown["lineage_edges"] > 100
    assert branches() == {"main"}
    assert locked_tables() == set(), "what was killed amid a commit holds its table for ever"
    in_time("completeness", began, lambda status, found: status == 0 and found["runs"] > 0)
    assert {page[0] for page in shown["pages"]} >= {"MinIO", "Trino", "JupyterLab"}

    second = enginedge(*JOB)
    assert f"the night {bad_night} has run already, and is not run again" in second.stderr
    again: dict[str, Any] = json.loads(second.stdout)
    told = ("night", "run_url", "columns", "rows", "pages")
    assert {name: again[name] for name in told} == {name: shown[name] for name in told}
    assert again["summary"]["tables"] == shown["summary"]["tables"]
