"""The one door to other programs: a command is tied to the life of its caller, and its failure says what it said last.

A command is started through ``setpriv --pdeathsig`` (util-linux), so the kernel ends it when the *thread* that started
it ends; start long-lived ones from a thread that lives as long.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from enginedge.errors import Misconfigured, Unavailable

LAST_LINES = 20


def start_tied(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    on_death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[str]:
    """Start ``argv`` in a process group of its own; the kernel sends it ``on_death`` when its starter dies.

    Args:
        environment: the whole environment of the command; the caller's where none is given.
        folder: where it runs.
        on_death: what ends it; children that it starts itself are its own to end.

    Raises:
        Misconfigured: there is no such program.
    """
    if shutil.which(argv[0], path=(environment or os.environ).get("PATH")) is None:
        raise Misconfigured(f"there is no program {argv[0]!r}", remedy="run `make up`, which installs what is missing")
    tie = ["setpriv", f"--pdeathsig={on_death.name.removeprefix('SIG')}", "--", *argv]
    return subprocess.Popen(
        tie,
        env=None if environment is None else dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        errors="replace",
        process_group=0,
    )


def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_s: float | None = None,
) -> str:
    """Run ``argv`` to its end, tied to this process, and return what it printed (standard error included).

    Raises:
        Misconfigured: there is no such program.
        Unavailable: it ended with a status other than 0, or not in time; says its last lines.
    """
    process = start_tied(argv, environment=environment, folder=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = process.communicate(timeout=timeout_s)
    except BaseException as error:
        end_group(process.pid)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise Unavailable(
                f"it did not end within {timeout_s:g} s", where=argv[0], remedy="see what it waits for"
            ) from None
        raise
    if process.returncode:
        last = "\n".join(said.splitlines()[-LAST_LINES:])
        raise Unavailable(f"it ended with {process.returncode}, saying:\n{last}\n", where=argv[0])
    return said


def end_group(group: int, with_signal: signal.Signals = signal.SIGKILL) -> None:
    """Send ``with_signal`` to every process of ``group``; one that is gone already is no error."""
    try:
        os.killpg(group, with_signal)
    except ProcessLookupError:
        return
