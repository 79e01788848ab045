"""Bad days: a service is gone, a key is wrong, a driver is killed. Each failure names its cause, the next run heals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from enginedge.lake import declared, trino
from enginedge.settings import settings
from tests.installation import ROOT, enginedge, stack
from tests.integration.conftest import NIGHTS, SCALE, SEED, Lake
from tests.integration.expected import expected

pytestmark = [pytest.mark.stack, pytest.mark.destructive]

BAD_NIGHT = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()


@pytest.fixture(scope="module")
def bad_night(lake_of_two_nights: Lake) -> str:
    """A third night, seeded and not yet run."""
    enginedge("lake", "seed", "--nights", "1", "--scale", str(SCALE), "--seed", str(SEED), "--until", BAD_NIGHT)
    return BAD_NIGHT


@contextmanager
def stopped(service: str) -> Iterator[None]:
    """Without ``service``, which is Ready again afterwards."""
    stack("stop", service)
    try:
        yield
    finally:
        stack("start", service)


def heads(source: str) -> dict[str, int]:
    """The published snapshot of each raw and core table of ``source``."""
    names = [table.removeprefix("core.") for table in declared.tables_of(source)]
    return {
        f"{schema}.{name}": trino.query(
            f"select snapshot_id from {trino.quoted(schema, name + '$refs')} where name = 'main'"  # noqa: S608
        ).rows[0][0]
        for schema in ("raw", "core")
        for name in names
    }


@pytest.mark.parametrize(
    ("service", "source"),
    [
        ("postgres", "postgres"),
        ("minio", "bucket"),
        ("mongodb", "mongodb"),
        ("kafka", "kafka"),
        ("metastore", "kafka"),
        ("spark-worker", "kafka"),
        ("spark-master", "kafka"),
    ],
)
def test_a_service_that_is_gone_is_named_and_nothing_is_published(bad_night: str, service: str, source: str) -> None:
    before = heads(source)
    with stopped(service):
        began = time.monotonic()
        failed = enginedge("lake", "run", "--night", bad_night, "--source", source, check=False)
        assert time.monotonic() - began < 120
    assert failed.returncode == 3, failed.stderr
    assert failed.stderr.strip().splitlines()[-1].startswith("Unavailable: ")
    assert service in failed.stderr
    assert "What to do: " in failed.stderr
    assert heads(source) == before


@pytest.mark.parametrize(
    "service", ["redis", "etcd", "lineage", "jupyter", "airflow-triggerer", "airflow-dag-processor", "trino"]
)
def test_the_health_check_names_what_is_gone(running_stack: None, service: str) -> None:
    with stopped(service):
        failed = enginedge("health", "check", check=False)
    assert failed.returncode == 4
    assert service in failed.stderr


def test_a_wrong_key_for_the_bucket_is_a_misconfiguration_and_names_the_secret(bad_night: str) -> None:
    from minio import MinioAdmin
    from minio.credentials import StaticProvider

    here = settings()
    admin = MinioAdmin(
        endpoint=str(here.endpoint("minio")),
        credentials=StaticProvider("root", here.secret("minio-root")),
        secure=False,
    )
    before = heads("postgres")
    admin.user_add("lake", "another-password-than-ours")
    try:
        failed = enginedge("lake", "run", "--night", bad_night, "--source", "postgres", check=False)
    finally:
        admin.user_add("lake", here.secret("minio-lake"))
    assert failed.returncode == 2, failed.stderr
    assert "refused us" in failed.stderr
    assert heads("postgres") == before


def test_a_killed_driver_leaves_main_as_it_was_and_the_next_run_heals(bad_night: str) -> None:
    before = heads("kafka")
    run = subprocess.Popen(
        [sys.executable, "-m", "enginedge", "lake", "run", "--night", bad_night, "--source", "kafka"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        driver = _driver_of(run.pid)
        time.sleep(6)
        os.kill(driver, signal.SIGKILL)
        _, said = run.communicate(timeout=120)
    finally:
        run.kill()
    assert run.returncode != 0
    assert f"kafka.{bad_night}" in said
    assert heads("kafka") == before


def _driver_of(pid: int) -> int:
    """The Java process of the Spark application that ``pid`` started, once it runs."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for child in psutil.Process(pid).children(recursive=True):
            if "SparkSubmit" in " ".join(child.cmdline()):
                return child.pid
        time.sleep(0.2)
    raise AssertionError("no driver was started")


def test_after_all_of_it_the_night_runs_and_every_count_is_that_of_the_sources(bad_night: str) -> None:
    summary = json.loads(enginedge("lake", "run", "--night", bad_night, "--json").stdout)
    published = {each["table"].removeprefix("core."): each for each in summary["tables"]}
    wanted = {table: asdict(counts) for table, counts in expected(bad_night, NIGHTS[-1]).items()}
    assert {table: {place: published[table][place] for place in counts} for table, counts in wanted.items()} == wanted
