"""The one door to other programs: a command is tied to the life of its caller, and its failure says what it said last.

A command is started through ``setpriv --pdeathsig`` (util-linux), so the kernel ends it when the *thread* that started
it ends; start long-lived ones from a thread that lives as long.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from enginedge.errors import Misconfigured, Unavailable

LAST_LINES = 20


def start_tied(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: int | IO[Any] | None = subprocess.DEVNULL,
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
        stdin=stdin,
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


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, what it printed, what it said on standard error."""

    argv: Sequence[str]
    status: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last lines of its standard error, or of its output where that is empty."""
        return "\n".join((self.err.strip() or self.out.strip()).splitlines()[-LAST_LINES:])


def run_apart(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    hear: Callable[[str], object] = lambda _: None,
) -> Ended:
    """Run ``argv`` to its end, tied to this process, with its output and its complaints kept apart.

    Its status is for the caller to judge. ``hear`` is told each line of its complaints as it comes; what that raises
    ends the command.

    Raises:
        Misconfigured: there is no such program.
    """
    process = start_tied(argv, environment=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    complaints: list[str] = []
    with process, ThreadPoolExecutor(1) as pool:
        printed = pool.submit(process.stdout.read)  # type: ignore[union-attr]
        try:
            for line in process.stderr or ():
                complaints.append(line)
                hear(line)
            process.wait()
        except BaseException:
            end_group(process.pid)
            raise
        return Ended(argv, process.returncode, printed.result(), "".join(complaints))


def run_piped(
    producer: Sequence[str],
    consumer: Sequence[str],
    *,
    producers: Mapping[str, str] | None = None,
    consumers: Mapping[str, str] | None = None,
) -> tuple[Ended, Ended]:
    """Run both to their ends, what ``producer`` prints being what ``consumer`` reads; ``producers`` and ``consumers``
    are their environments.

    Raises:
        Misconfigured: there is no such program.
    """
    with TemporaryFile("w+") as complaints:
        first = start_tied(producer, environment=producers, stdout=subprocess.PIPE, stderr=complaints)
        groups = [first.pid]
        try:
            second = start_tied(
                consumer,
                environment=consumers,
                stdin=first.stdout,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            groups.append(second.pid)
            out, err = second.communicate()
            first.stdout.close()  # type: ignore[union-attr]  # the consumer is gone: the producer must notice
            first.wait()
        except BaseException:
            for group in groups:
                end_group(group)
            raise
        complaints.seek(0)
        return Ended(producer, first.returncode, "", complaints.read()), Ended(consumer, second.returncode, out, err)


def end_group(group: int, with_signal: signal.Signals = signal.SIGKILL) -> None:
    """Send ``with_signal`` to every process of ``group``; one that is gone already is no error."""
    try:
        os.killpg(group, with_signal)
    except ProcessLookupError:
        return
