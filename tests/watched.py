"""What the kernel shows of the programs that this process starts, to whoever looks: their arguments and environment."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local import kernel
from deploy.local.credentials import SECRETS
from enginedge.settings import settings

EVERY_S = 0.01  # a tool may be through in a few hundredths of a second


@contextmanager
def watched() -> Iterator[set[str]]:
    """Everything that was shown while the ``with`` lasted, once it has ended."""
    shown, done = set[str](), threading.Event()

    def look() -> None:
        while not done.wait(EVERY_S):
            for pid in _started_by(os.getpid()):
                if started := kernel.process(pid):
                    shown.update({started.command, *kernel.environment(pid).values()})

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield shown
    finally:
        done.set()
        watcher.join()


def _started_by(pid: int) -> Iterator[int]:
    """Its children and theirs, as the kernel lists them a thread: to read of every process takes too long."""
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # it has ended meanwhile
            for child in map(int, (thread / "children").read_text().split()):
                yield child
                yield from _started_by(child)


def secrets_in(shown: Collection[str]) -> list[str]:
    """The beginnings of what shows a secret of the installation."""
    values = [settings().secret(name) for name in SECRETS]
    inner = [value for text in values if text.startswith("{") for value in json.loads(text).values()]
    return [each[:80] for each in shown for value in [*values, *inner] if value in each]
