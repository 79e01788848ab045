"""The one way in which the bootstrap runs a program: tied to our life, its output kept, its failure told in full."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 15


class Failed(Exception):
    """An item could not be installed; ``str()`` says which command, what it printed last and what to do."""

    def __init__(self, what: str, *, command: Sequence[str] = (), tail: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.command, self.tail, self.remedy = what, list(command), tail, remedy

    def __str__(self) -> str:
        lines = [self.what]
        if self.command:
            lines.append(f"  command: {' '.join(self.command)}")
        lines += [f"  | {line}" for line in self.tail.splitlines()]
        if self.remedy:
            lines.append(f"  what to do: {self.remedy}")
        return "\n".join(lines)


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], attempts: int = 1, remedy: str = "") -> str:
    """Run ``command`` and return what it printed; with ``attempts`` above one, again after a pause (for downloads).

    The child dies with the thread that started it, so that a killed bootstrap leaves nobody writing into the cache.

    Raises:
        Failed: it ended with something else than zero, or is not there.
    """
    tied = ["setpriv", "--pdeathsig", "KILL", "--", *command]
    for attempt in range(1, attempts + 1):
        try:
            finished = subprocess.run(
                tied, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", check=False,
            )  # fmt: skip
        except OSError as error:
            raise Failed(str(error), command=command, remedy=remedy) from error
        if finished.returncode == 0:
            return finished.stdout
        if attempt < attempts:
            time.sleep(3 * attempt)
    tail = "\n".join(finished.stdout.rstrip().splitlines()[-TAIL_LINES:])
    raise Failed(f"{command[0]} ended with {finished.returncode}", command=command, tail=tail, remedy=remedy)
