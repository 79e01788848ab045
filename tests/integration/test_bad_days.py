"""Bad days: a service is gone, a key is wrong, a store is full, a contract is nonsense, a process is killed.

Each failure names its cause and the remedy and publishes nothing; that the night comes out right after all of it is
shown by the module that follows, which runs it as the main job. Every service of the inventory is stopped: what a night
needs is named by the night, everything else by the health check. Here, of what a night needs, one store, one engine and
one that only answers others are stopped; what no night needs is missing in the module that follows, when the main job
was killed; ``tests/soak`` stops each by itself. A new service is among them as soon as it is in the inventory.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from minio import MinioAdmin
from minio.credentials import StaticProvider
from urllib3 import PoolManager

from enginedge import trino
from enginedge.platform import load_platform
from enginedge.platform.model import Probe
from enginedge.settings import settings
from tests.installation import ROOT, enginedge, stack
from tests.integration.full_disk import minio_on_a_small_disk, needs_mounts, without_room_in
from tests.integration.metastore_locks import a_commit_that_stands_still, locked_tables
from tests.spark_drivers import spark_drivers

pytestmark = [pytest.mark.stack, pytest.mark.destructive]

#: Service to the source whose night can't do without it. `trino` is missed in the module that follows.
NEEDED_BY = {
    "postgres": "postgres",
    "minio": "bucket",
    "mongodb": "mongodb",
    "kafka": "kafka",
    "metastore": "kafka",
    "spark-worker": "kafka",
    "spark-master": "kafka",
}
IN_THE_GATE = ("minio", "metastore", "spark-worker")
INVENTORY = load_platform(ROOT / "deploy" / "platform.yaml").services
NOT_NEEDED = [each for each in INVENTORY if each.name not in {*NEEDED_BY, "trino"}]
#: Those that Airflow itself gives up after half a minute without a heartbeat: they are stopped together.
BEATING = [each.name for each in NOT_NEEDED if each.readiness.probe is Probe.AIRFLOW and each.name != "airflow-api"]
ANSWERING = [each.name for each in NOT_NEEDED if each.name not in BEATING]
SMALLEST = "postgres"  # one table


@contextmanager
def stopped(service: str) -> Iterator[None]:
    """Without ``service``; afterwards everything is Ready again."""
    try:
        stack("stop", service)
        yield
    finally:
        stack("start", service)


@contextmanager
def nothing_published() -> Iterator[None]:
    """Every published table stands after the ``with`` on the snapshot that it stood on before."""
    before = heads("raw", "core", "mart")
    yield
    assert heads("raw", "core", "mart") == before


def heads(*schemas: str) -> dict[str, int]:
    """The snapshot that each published table of ``schemas`` stands on."""
    found = trino.query("select table_schema, table_name from information_schema.tables").rows
    refs = [
        f"select '{schema}.{name}', snapshot_id from {trino.quoted(schema, name + '$refs')} where name = 'main'"  # noqa: S608
        for schema, name in found
        if schema in schemas
    ]
    return dict(map(tuple, trino.query(" union all ".join(refs)).rows))


@contextmanager
def minio_admin() -> Iterator[MinioAdmin]:
    """MinIO's administrator."""
    here, pool = settings(), PoolManager()
    login = StaticProvider("root", here.secret("minio-root"))
    try:
        yield MinioAdmin(endpoint=str(here.endpoint("minio")), credentials=login, secure=False, http_client=pool)
    finally:
        pool.clear()


def run(night: str, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One run of ``source`` that is expected to fail, and says so within two minutes."""
    began = time.monotonic()
    finished = enginedge("lake", "run", "--night", night, "--source", source, check=False, **environment)
    assert time.monotonic() - began < 120
    return finished


def assert_says(failed: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """It ended with ``status``; the last it said is one failure of that kind, with ``words`` and a remedy."""
    assert failed.returncode == status, failed.stderr
    kind = {2: "Misconfigured", 3: "Unavailable", 4: "Violated"}[status]
    _, found, last = f"\n{failed.stderr}".rpartition(f"\n{kind}: ")
    assert found, failed.stderr
    for word in (*words, "What to do: "):
        assert word in last


def not_ready() -> dict[str, str]:
    """The services that the health check finds not to work, each with the reason."""
    checked = enginedge("health", "check", "--json", check=False)
    found = {each["service"]: each["reason"] for each in json.loads(checked.stdout) if not each["is_ready"]}
    assert checked.returncode == (4 if found else 0)
    if found:
        assert_says(checked, 4, *found, "make logs S=", "make up")
    return found


def assert_named_by_the_health_check(service: str) -> None:
    """Without ``service`` it names it, what can't be asked without it, and nothing else."""
    with stopped(service):
        found = not_ready()
    assert set(found) == {service, *(BEATING if service == "airflow-api" else ())}
    assert all(found.values())


def test_a_contract_with_an_unknown_type_is_refused_before_anything_runs(bad_night: str, tmp_path: Path) -> None:
    for folder in ("deploy", "plugins", "spark_jobs"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    path = tmp_path / "sql" / "contracts" / "core.kafka__service_events.yaml"
    lines = path.read_text().splitlines()
    number = next(at for at, line in enumerate(lines) if line.strip().startswith("physicalType: timestamp"))
    lines[number] = lines[number].replace("timestamp", "instant")
    path.write_text("\n".join(lines))
    with nothing_published():
        failed = run(bad_night, SMALLEST, ENGINEDGE_ROOT=str(tmp_path))
    field = next(line.split()[-1] for line in reversed(lines[:number]) if "- name: " in line)
    assert_says(failed, 2, f"{path}:{number + 1}: {field} has the unknown type 'instant'")
    assert len(failed.stderr.strip().splitlines()) == 1, "something ran"


def test_a_driver_that_is_killed_amid_a_commit_is_named_and_publishes_nothing(bad_night: str) -> None:
    """It leaves the lock of its table behind, which the main job, later, must get past."""

    def kill(run: subprocess.Popen[str]) -> None:
        with a_commit_that_stands_still():
            os.kill(driver(run), signal.SIGKILL)

    with nothing_published():
        command = ["lake", "run", "--night", bad_night, "--source", SMALLEST]
        failed = interrupted(command, "step=started", kill)
        (locked,) = locked_tables()
    assert locked.endswith(f".{SMALLEST}__schedules"), "raw's or core's, whichever was committed to first"
    assert_says(failed, 3, f"{SMALLEST}.{bad_night}: the application was ended by signal 9", "run the night again")


def assert_named_by_the_night(night: str, service: str) -> None:
    """Without ``service`` the night of a source that needs it fails, says so, and publishes nothing."""
    with nothing_published(), stopped(service):
        failed = run(night, NEEDED_BY[service])
    assert_says(failed, 3, service, f"make logs S={service}")


@pytest.mark.parametrize("service", IN_THE_GATE)
def test_a_service_that_a_night_needs_is_named_by_it(bad_night: str, service: str) -> None:
    assert_named_by_the_night(bad_night, service)


def test_a_wrong_key_for_the_bucket_is_a_misconfiguration_and_names_the_secret(bad_night: str) -> None:
    with nothing_published(), minio_admin() as admin:
        admin.user_add("lake", "another-password-than-ours")
        try:
            failed = run(bad_night, SMALLEST)
        finally:
            admin.user_add("lake", settings().secret("minio-lake"))
    assert_says(failed, 2, "minio refused", "minio-lake", "make up")


def test_a_full_bucket_is_named_with_the_way_to_make_room(bad_night: str) -> None:
    with nothing_published(), minio_admin() as admin:
        admin.bucket_quota_set("lake", 1)
        try:
            failed = run(bad_night, SMALLEST)
        finally:
            admin.bucket_quota_clear("lake")
    assert_says(failed, 3, "a bucket of minio has used up its quota", "raise the bucket's quota")


@needs_mounts
def test_a_disk_that_fills_up_under_the_store_amid_a_night_is_named(bad_night: str, tmp_path: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    with nothing_published(), minio_on_a_small_disk(tmp_path) as fill:
        command = ["lake", "run", "--night", bad_night, "--source", SMALLEST]
        failed = interrupted(command, "step=started", lambda run: while_it_stands_still(driver(run), fill))
    assert_says(failed, 3, "the disk under minio is full", "make room")
    assert Path("/proc/self/mounts").read_text() == mounts


@needs_mounts
def test_a_full_disk_under_the_logs_is_named(bad_night: str) -> None:
    folder = settings().state / "log" / "spark"
    command = [sys.executable, "-m", "enginedge", "lake", "run", "--night", bad_night, "--source", SMALLEST]
    with nothing_published():
        failed = subprocess.run(
            without_room_in(folder, command), cwd=ROOT, check=False, capture_output=True, text=True, timeout=120
        )
    assert_says(failed, 3, str(folder), "No space left on device", "make room")


def interrupted(
    command: list[str], when: str, by: Callable[[subprocess.Popen[str]], None]
) -> subprocess.CompletedProcess[str]:
    """Start ``command`` and do ``by`` to it as soon as it says ``when``; how it ended and what it said."""
    argv = [sys.executable, "-m", "enginedge", *command]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        said = ""
        for line in run.stderr or ():
            said += line
            if when in line:
                by(run)
                break
        said += run.stderr.read() if run.stderr else ""
    return subprocess.CompletedProcess(argv, run.returncode, "", said)


def while_it_stands_still(pid: int, act: Callable[[], None]) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        act()
    finally:
        os.kill(pid, signal.SIGCONT)


def driver(run: subprocess.Popen[str]) -> int:
    """The driver of the Spark application that ``run`` submitted."""
    return next(spark_drivers(run.pid)).pid
