"""The main job of ``make up``: its Spark driver and PostgreSQL are killed; started again, it ends as it should."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from deploy.local.layout import local
from deploy.local.supervisor import Supervisor
from enginedge.lake import trino
from tests.installation import ROOT, enginedge, stack
from tests.integration.conftest import SCALE, Lake
from tests.integration.expected import expected
from tests.spark_drivers import spark_drivers

pytestmark = [pytest.mark.stack, pytest.mark.destructive]

NIGHT = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
JOB = ("lake", "first-night", "--scale", str(SCALE), "--json")


def kill_a_driver() -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        for driver in spark_drivers():
            time.sleep(5)  # it is in the middle of its work
            driver.kill()
            return
        time.sleep(0.5)
    raise AssertionError("no driver was started")


def last_published() -> str:
    """The night before: the newest that the lake holds."""
    return str(trino.query("select cast(max(_night) as varchar) from raw.postgres__schedules").rows[0][0])


def test_killed_in_the_middle_and_started_again_the_main_job_ends_the_same(lake_of_two_nights: Lake) -> None:
    before = last_published()
    first = subprocess.Popen(
        [sys.executable, "-m", "enginedge", *JOB], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        kill_a_driver()
        os.kill(Supervisor(local()).processes()["postgres"].pid, signal.SIGKILL)
        time.sleep(3)
    finally:
        first.kill()
        first.wait()

    stack("up")
    shown: dict[str, Any] = json.loads(enginedge(*JOB).stdout)
    counted = {each["table"].removeprefix("core."): each for each in shown["summary"]["tables"]}
    wanted = {table: asdict(counts) for table, counts in expected(NIGHT, before).items()}
    assert {table: {place: counted[table][place] for place in wanted[table]} for table in wanted} == wanted
    assert shown["night"] == NIGHT
    assert len(shown["rows"]) == 10
    assert date.fromisoformat(shown["rows"][0][0]) >= date.fromisoformat(before)
    assert shown["lineage_edges"] > 100
    assert {page[0] for page in shown["pages"]} >= {"MinIO", "Trino", "JupyterLab"}

    again: dict[str, Any] = json.loads(enginedge(*JOB).stdout)
    told = ("night", "run_url", "columns", "rows", "pages")
    assert {name: again[name] for name in told} == {name: shown[name] for name in told}
    assert again["summary"]["tables"] == shown["summary"]["tables"]
