"""What the kernel shows of the programs that this process starts, to whoever looks: their arguments and environment."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from deploy.local import kernel
from deploy.local.credentials import SECRETS
from enginedge.settings import settings

EVERY_S = 0.02


@contextmanager
def watched() -> Iterator[set[str]]:
    """Everything that was shown while the ``with`` lasted, once it has ended."""
    shown, done = set[str](), threading.Event()

    def look() -> None:
        while not done.wait(EVERY_S):
            everything = kernel.processes()
            mine = [each for each in everything if each.pid == os.getpid()]
            for each in kernel.with_descendants(mine, everything):
                if each.pid != os.getpid():
                    shown.update({each.command, *kernel.environment(each.pid).values()})

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield shown
    finally:
        done.set()
        watcher.join()


def secrets_in(shown: Collection[str]) -> list[str]:
    """The beginnings of what shows a secret of the installation."""
    values = [settings().secret(name) for name in SECRETS]
    inner = [value for text in values if text.startswith("{") for value in json.loads(text).values()]
    return [each[:80] for each in shown for value in [*values, *inner] if value in each]
