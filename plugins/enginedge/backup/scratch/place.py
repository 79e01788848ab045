"""Where scratch things stand: a folder of their own under the state folder, and ports that nobody else has."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from enginedge.backup.tools import environment
from enginedge.errors import Unavailable
from enginedge.passing_folders import passing_folder
from enginedge.settings import HOST, settings
from enginedge.shell import end_group, start_tied

BOOT_WITHIN_S, STOP_WITHIN_S = 60.0, 20.0


def scratch_folder(name: str) -> AbstractContextManager[Path]:
    """An empty folder that only we can enter; gone afterwards, with what was put into it."""
    return passing_folder(settings().state / "scratch", name)


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(
    argv: Sequence[str],
    answers: Callable[[], object],
    *,
    log: Path,
    more: Mapping[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
    within_s: float = BOOT_WITHIN_S,
) -> Iterator[None]:
    """A server that ``answers``; ended afterwards with ``stop``, and killed where that does not help.

    It runs in the folder of its ``log``.

    Raises:
        Unavailable: it ends, or does not answer in time; says its last lines.
    """
    with log.open("w") as output:
        server = start_tied(
            argv,
            environment=environment(more),
            folder=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            on_death=stop,
        )
    try:
        _wait(server, answers, log, within_s)
        yield
    finally:
        with suppress(ProcessLookupError):
            server.send_signal(stop)
        try:
            server.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            end_group(server.pid)
            server.wait()


def _wait(server: subprocess.Popen[str], answers: Callable[[], object], log: Path, within_s: float) -> None:
    until = time.monotonic() + within_s
    while True:
        try:
            answers()
            return
        except Exception as error:
            if server.poll() is not None or time.monotonic() > until:
                last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise Unavailable(
                    f"the scratch server did not start ({error}); its log:\n{last}\n", where=str(log.parent)
                ) from error
            time.sleep(0.05)
