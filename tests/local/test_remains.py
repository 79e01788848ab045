"""What a killed stack left behind is ended; what is not its own is never touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from deploy.local import kernel, remains
from deploy.local.layout import Local

SLEEP = "import time; time.sleep(60)"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts sleepers and ends them after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str = SLEEP, **options: object) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([sys.executable, "-S", "-c", code], **options)  # type: ignore[call-overload]
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.wait()


def wait_for_end(child: subprocess.Popen[bytes]) -> int:
    return child.wait(timeout=10)


def test_a_remembered_process_is_ended(installation: Local, start: Start) -> None:
    old = start(process_group=0)
    remains.remember_service(installation, "redis", old.pid)
    remains.end_service(installation, "redis")
    assert wait_for_end(old) == -signal.SIGTERM


def test_a_process_that_got_the_number_of_a_dead_one_is_left_alone(installation: Local, start: Start) -> None:
    stranger = start(process_group=0)
    remains.remember_service(installation, "redis", stranger.pid)
    note = installation.run / "processes" / "redis"
    note.write_text(note.read_text().replace(str(kernel.process(stranger.pid).started), "1"))
    remains.end_service(installation, "redis")
    assert stranger.poll() is None


def test_a_note_from_before_the_last_boot_ends_nothing(installation: Local, start: Start) -> None:
    stranger = start(process_group=0)
    remains.remember_service(installation, "redis", stranger.pid)
    note = installation.run / "processes" / "redis"
    note.write_text(note.read_text().replace(remains.BOOT.read_text().strip(), "another-boot"))
    remains.end_service(installation, "redis")
    assert stranger.poll() is None


def test_workers_that_outlived_their_killed_parent_are_ended(installation: Local, start: Start) -> None:
    parent = start(
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', {SLEEP!r}]); time.sleep(60)",
        process_group=0,
    )
    until = time.monotonic() + 10
    while not [each for each in kernel.processes() if each.parent == parent.pid] and time.monotonic() < until:
        time.sleep(0.05)
    remains.remember_service(installation, "airflow-scheduler", parent.pid)
    parent.kill()
    parent.wait()
    orphans = [each for each in kernel.processes() if each.group == parent.pid]
    assert len(orphans) == 1
    remains.end_service(installation, "airflow-scheduler")
    assert not kernel.is_same(orphans[0])


def test_what_carries_this_installations_mark_is_ended_with_the_stack(installation: Local, start: Start) -> None:
    mark = {**os.environ, "ENGINEDGE_STATE": str(installation.state), "ENGINEDGE_SERVICE": "spark-worker"}
    mine = start(env=mark, start_new_session=True)
    others = start(env={**mark, "ENGINEDGE_STATE": "/somewhere/else"}, start_new_session=True)
    visitor = start(env={**os.environ, "ENGINEDGE_STATE": str(installation.state)}, start_new_session=True)
    assert [each.pid for each in remains.end_stack(installation)] == [mine.pid]
    assert wait_for_end(mine) == -signal.SIGTERM
    assert others.poll() is None
    assert visitor.poll() is None


def test_one_that_ignores_being_asked_is_killed(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    stubborn = start(f"import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}")
    until = time.monotonic() + 10
    while "deaf" not in capfd.readouterr().out and time.monotonic() < until:
        time.sleep(0.05)
    kernel.end([kernel.process(stubborn.pid)], patience_s=0.2)
    assert wait_for_end(stubborn) == -signal.SIGKILL
