"""Work of which one process on a machine does a piece at a time; the next one learns who does it now, and waits."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from enginedge.kernel_lock import taken
from enginedge.private_files import private_folder


@contextmanager
def one_at_a_time(lock: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the file ``lock`` inside the ``with``; ``waiting`` is told once who has it, where somebody has.

    The kernel frees it when its holder ends, however that ends. It is no lock between the threads of one process.
    """
    private_folder(lock.parent)
    with lock.open("a+") as held:
        if not taken(held):
            held.seek(0)
            waiting(held.read().strip() or "another process")
            fcntl.flock(held, fcntl.LOCK_EX)
        held.truncate(0)
        held.write(f"process {os.getpid()}\n")
        held.flush()
        yield
