"""Killed at any point, a night leaves ``main`` as it was or as it should be, and the next run ends the same.

Each attempt that is killed, with SIGKILL between two steps, is a process of its own, on the lake of the others. Here
there is one, killed when most is done and nothing of core is published; ``tests/soak`` has two at each step.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from tempfile import TemporaryDirectory

import pytest

from enginedge.settings import settings
from tests.installation import ROOT
from tests.spark_jobs.conftest import SETTINGS
from tests.spark_jobs.lake import FIRST, NAME, SECOND, Lake, conversation

LAST_STEP = "sealed:core"

PROGRAM = """
import json, sys
from pyspark.sql import SparkSession
from tests.spark_jobs.lake import SECOND, Lake
from tests.spark_jobs.test_kills import bring_the_first, bring_the_second
builder = SparkSession.builder.master("local[1]").appName("attempt")
for name, value in json.loads(sys.argv[1]).items():
    builder = builder.config(name, value)
lake = Lake(builder.getOrCreate())
bring_the_first(lake)
bring_the_second(lake)
lake.night(SECOND)
"""


def bring_the_first(lake: Lake) -> None:
    """What the source has in the first night."""
    lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"), "no document")


def bring_the_second(lake: Lake) -> None:
    """What the second night brings."""
    lake.source.put(conversation("c-1", "2026-11-21T11:00:00Z", messages=9), "{")
    lake.source.put(conversation("c-2", "2026-11-21T11:00:00Z"))


def attempt(lake: Lake, kill_at: str) -> int:
    """Run the second night in a process of its own, on the same folder; how it ended."""
    tools = settings().toolchain()
    configuration = {**SETTINGS, "spark.driver.extraClassPath": f"{tools['spark_jars']}/*"}
    for folder in ("spark.sql.catalog.lake.warehouse", "spark.sql.warehouse.dir"):
        configuration[folder] = lake.spark.conf.get(folder)
    environment = {**os.environ, "JAVA_HOME": tools["java17_home"], "ENGINEDGE_KILL_AT": kill_at}
    environment["PYTHONPATH"] = f"{ROOT / 'plugins'}:{ROOT}"
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # who is killed leaves files behind
        configuration["spark.driver.defaultJavaOptions"] += f" -Djava.io.tmpdir={folder}"
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(configuration)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert ran.returncode in (0, -signal.SIGKILL), ran.stderr[-3000:]
    return ran.returncode


def assert_ends_as_if_nothing_had_happened(lake: Lake, killed_at: Iterable[str]) -> None:
    """The second night is killed at each of the steps, one after the other, and then run to its end."""
    bring_the_first(lake)
    lake.night(FIRST)
    for step in killed_at:
        ended = attempt(lake, kill_at=f"{step}.{NAME}")
        assert ended == -signal.SIGKILL, f"nothing was killed at {step}"
    assert lake.branches() != [], "nothing was left behind by who was killed"
    bring_the_second(lake)
    lake.night(SECOND)
    assert len(lake.rows("raw")) == 5
    assert lake.rows("core", "conversation_id", "messages", "_night") == [("c-1", 9, SECOND), ("c-2", 3, SECOND)]
    assert lake.rows("quarantine", "record") == [("no document",), ("{",)]
    assert lake.branches() == []


@pytest.mark.timeout(900)
def test_a_night_that_is_killed_ends_as_if_nothing_had_happened(lake: Lake) -> None:
    assert_ends_as_if_nothing_had_happened(lake, [LAST_STEP])
