"""Killed at any point, a night leaves ``main`` as it was or as it should be, and the next run ends the same.

Each attempt is a process of its own, killed with SIGKILL between two steps, on a lake that lies in a folder.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from enginedge.settings import settings
from tests.installation import ROOT
from tests.spark_jobs.conftest import SETTINGS

POINTS = ["sealed:raw", "audited:quarantine", "sealed:core"]

PROGRAM = """
import json, sys
from pyspark.sql import SparkSession
from tests.spark_jobs.lake import FIRST, SECOND, Lake, conversation
builder = SparkSession.builder.master("local[1]").appName("attempt")
for name, value in json.loads(sys.argv[1]).items():
    builder = builder.config(name, value)
lake = Lake(builder.getOrCreate())
lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"), "no document")
if len(sys.argv) > 2:
    lake.source.put(conversation("c-1", "2026-11-21T11:00:00Z", messages=9), "{")
    lake.source.put(conversation("c-2", "2026-11-21T11:00:00Z"))
lake.night(SECOND if len(sys.argv) > 2 else FIRST)
core = lake.rows("core", "conversation_id", "messages", "_night")
found = [len(lake.rows("raw")), core, lake.rows("quarantine", "record"), lake.branches()]
print("found", json.dumps(found, default=str))
"""


def attempt(warehouse: Path, *arguments: str, kill_at: str = "") -> tuple[int, Any]:
    """Run the night in a process of its own; how it ended and what it found in the lake afterwards."""
    tools = settings().toolchain()
    configuration = {**SETTINGS, "spark.driver.extraClassPath": f"{tools['spark_jars']}/*"}
    configuration["spark.sql.catalog.lake.warehouse"] = str(warehouse)
    configuration["spark.sql.warehouse.dir"] = str(warehouse / "hive")
    environment = {**os.environ, "JAVA_HOME": tools["java17_home"], "ENGINEDGE_KILL_AT": kill_at}
    environment["PYTHONPATH"] = f"{ROOT / 'plugins'}:{ROOT}"
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # who is killed leaves files behind
        configuration["spark.driver.defaultJavaOptions"] += f" -Djava.io.tmpdir={folder}"
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(configuration), *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    found = [json.loads(line.removeprefix("found ")) for line in ran.stdout.splitlines() if line.startswith("found ")]
    assert ran.returncode in (0, -signal.SIGKILL), ran.stderr[-3000:]
    return ran.returncode, found[0] if found else None


@pytest.mark.timeout(900)
def test_a_night_that_is_killed_at_every_step_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    assert attempt(tmp_path)[0] == 0
    for point in POINTS:
        ended, _ = attempt(tmp_path, "second", kill_at=f"{point}.mongodb__conversations")
        assert ended == -signal.SIGKILL, f"nothing was killed at {point}"
    assert attempt(tmp_path, "second") == (
        0,
        [5, [["c-1", 9, "2026-11-21"], ["c-2", 3, "2026-11-21"]], [["no document"], ["{"]], []],
    )
