"""A service's log stays small while the service goes on writing, and loses nothing that was written before."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.layout import Local
from deploy.local.logs import MOST_BYTES, TASKS_KEPT_DAYS, keep_small
from deploy.local.supervisor import PROBER, configuration
from enginedge.private_files import private_folder
from tests.installation import ROOT

WRITER = """
import sys
from pathlib import Path
from deploy.local.launch import _write_to
_write_to(Path(sys.argv[1]))
for line in sys.stdin:
    print(line, end="", flush=True)
"""


class Service:
    """A process that writes what it is told to its log, as the launcher has every service do."""

    def __init__(self, log: Path) -> None:
        self.log, self.said = log, 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(log)],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
            stdin=subprocess.PIPE,
            text=True,
        )

    def say(self, text: str) -> None:
        """Return when it stands in the log."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        until = time.monotonic() + 30
        while not (self.log.exists() and self.log.read_text().endswith(f"{text}\n")):
            assert time.monotonic() < until
            time.sleep(0.02)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "trino.log")
    with service.process as process:
        yield service
        process.kill()


def test_a_large_log_is_emptied_under_its_writer_and_the_last_ones_are_kept(service: Service) -> None:
    folder = service.log.parent
    for number in range(5):
        service.say(f"{number}" * 100)
        keep_small(folder, most_bytes=50, kept=3)
        assert service.log.read_text() == ""
    service.say("small")
    keep_small(folder, most_bytes=50, kept=3)
    assert {path.name: path.read_text().strip()[:1] for path in folder.iterdir()} == {
        "trino.log": "s",
        "trino.log.1": "4",
        "trino.log.2": "3",
        "trino.log.3": "2",
    }
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}


def test_the_process_that_the_supervisor_asks_looks_after_the_logs(installation: Local) -> None:
    assert " -m deploy.local.prober " in configuration(installation)["processes"][PROBER]["command"]
    large, socket = installation.log("trino"), installation.socket("prober.sock")
    with large.open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)  # a file of holes
    task = private_folder(installation.data("airflow") / "logs" / "dag_id=refresh_lake") / "attempt=1.log"
    task.write_text("")
    os.utime(task, (time.time() - (TASKS_KEPT_DAYS + 1) * 86_400,) * 2)
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.local.prober", str(socket)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
    ) as process:
        until = time.monotonic() + 30
        while task.exists() or not (socket.exists() and large.stat().st_size == 0):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.kill()
    assert large.with_name("trino.log.1").stat().st_size == MOST_BYTES + 1
