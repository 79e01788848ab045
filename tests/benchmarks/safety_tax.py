"""``safety_tax``: what contract, audit, branch, quarantine, counts and lineage cost a night of a source.

A pair is the same night of service events, by the engine and by :mod:`bare_events`, in tables that were equal before
and are compared afterwards. Time runs from the moment when the Spark session stands until the application has ended
(for the engine: until its lineage is written), so that neither side pays for the start of a session.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from tests.benchmarks import bare_events
from tests.benchmarks.measure import Figure, figure
from tests.benchmarks.stack import WORLD, Calendar, tell

NAME = "safety_tax"
SOURCE = "kafka"


def measure(runs: int, scale: float, calendar: Calendar) -> Figure:
    """The engine's night over the bare one; the first night, which makes the tables, does not count."""
    nights = [day for _ in range(runs // 5 + 1) for day in calendar.week()[:5]][: runs + 1]
    _seed(nights, scale)
    _by_engine(nights[0])
    _bare()
    ratios: list[float] = []
    for pair, night in enumerate(nights[1:]):
        took: dict[str, float] = {}
        for way in ("engine", "bare") if pair % 2 == 0 else ("bare", "engine"):
            took[way] = _by_engine(night) if way == "engine" else _bare("--night", night.isoformat())
        rows = _equal_rows()
        tell(f"the events of {night}: engine {took['engine']:.1f} s, bare {took['bare']:.1f} s, {rows}")
        ratios.append(took["engine"] / took["bare"])
    return figure(NAME, ratios, goal=1.2)


def _seed(nights: list[date], scale: float) -> None:
    """The events of the nights alone: the other stores are not read."""
    from enginedge.sample.night import Night
    from enginedge.sample.writers import kafka

    wanted = [Night(WORLD, night, scale) for night in nights]
    with kafka.connected() as broker:
        there = kafka.already_there(broker, wanted)
        for night in wanted:
            list(kafka.write(night, broker, there))


def _by_engine(night: date) -> float:
    from enginedge.lake.night import refresh_source

    started: list[float] = []

    def heard(facts: dict[str, Any]) -> None:
        if facts["step"] == bare_events.STARTED:
            started.append(time.perf_counter())

    refresh_source(SOURCE, night.isoformat(), NAME, tell=heard)
    return time.perf_counter() - started[0]


def _bare(*asked: str) -> float:
    from enginedge.lake.class_archive import class_archive, configuration_jar
    from enginedge.settings import settings

    tools, here = settings().toolchain(), settings()
    known = {
        "JAVA_HOME": tools["java17_home"],
        "SPARK_HOME": tools["spark_home"],
        "SPARK_CONF_DIR": str(configuration_jar()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": f"{here.root / 'plugins'}:{here.root}",
    }
    defaults = here.state / "conf" / "spark" / "spark-defaults.conf"
    options = ["--properties-file", str(defaults)]
    with class_archive("bare") as java_options:  # both sides start from the same recorded classes
        for role, java in java_options.items():
            options += ["--conf", f"spark.{role}.extraJavaOptions={java}"]
    command = [str(Path(tools["spark_home"]) / "bin" / "spark-submit"), *options, bare_events.__file__, *asked]
    journal = here.state / "log" / "bare.log"
    with (
        journal.open("w") as file,
        subprocess.Popen(
            command, env={**os.environ, **known}, stdout=subprocess.PIPE, stderr=file, text=True
        ) as process,
    ):
        started = [time.perf_counter() for line in process.stdout or () if line.strip() == bare_events.STARTED]
    if process.returncode:
        raise RuntimeError(f"the bare application ended with {process.returncode}:\n{journal.read_text()[-3000:]}")
    return time.perf_counter() - started[0]


def _equal_rows() -> str:
    """The digest of core, which is that of the bare table; and the records that both have read are the same.

    Raises:
        RuntimeError: they differ: the times compare different work.
    """
    from enginedge import trino
    from enginedge.table_digest import digest

    digests = [digest(f"{schema}.{bare_events.NAME}") for schema in ("core", "bare_core")]
    records = [
        trino.query(
            "select count(*), checksum(row(position, changed_at, _night)) "  # noqa: S608 - names of ours
            f"from {trino.quoted(schema, bare_events.NAME)}"
        ).rows[0]
        for schema in ("raw", "bare_raw")
    ]
    if digests[0] != digests[1] or records[0] != records[1]:
        raise RuntimeError(f"engine and bare job did different work: {digests}, {records}")
    return digests[0]
