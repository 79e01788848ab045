"""The finder of Spark drivers finds those, and nothing that looks like them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from enginedge.settings import settings
from tests.spark_drivers import LAUNCHER, MAIN, spark_drivers

Start = Callable[..., subprocess.Popen[str]]
SAYS_SO = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process called ``name`` with ``arguments``, which does nothing."""
    with ExitStack() as ends:

        def started(*arguments: str, name: str = "java") -> subprocess.Popen[str]:
            program = tmp_path / name
            if not program.exists():
                program.symlink_to(os.path.realpath(sys.executable))
            process = subprocess.Popen(
                [str(program), "-S", "-c", SAYS_SO, *arguments], stdout=subprocess.PIPE, text=True
            )
            ends.enter_context(process)
            ends.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
            return process

        yield started


def arguments(state: Path) -> tuple[str, ...]:
    return MAIN, "--properties-file", f"{state}/run/spark/kafka.2026-11-23.0.conf"


def test_a_driver_of_this_installation_is_found_alone_or_as_its_submitters(start: Start) -> None:
    driver = start(*arguments(settings().state))
    assert driver.pid in {each.pid for each in spark_drivers()}
    assert [each.pid for each in spark_drivers(os.getpid())] == [driver.pid]
    assert list(spark_drivers(driver.pid)) == []


def test_what_only_looks_like_a_driver_is_none(start: Start, tmp_path: Path) -> None:
    ours = arguments(settings().state)
    others = [
        start(*arguments(tmp_path)),  # of another installation
        start(*ours, name="bash"),  # the script that becomes the driver
        start(LAUNCHER, *ours),
    ]
    assert not {each.pid for each in others} & {each.pid for each in spark_drivers()}
    assert list(spark_drivers(os.getpid())) == []
