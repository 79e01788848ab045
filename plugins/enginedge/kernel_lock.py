"""The kernel's lock on an open file or folder: whoever ends, however that is, holds it no longer.

It is no lock between the threads of one process that opened the file once.
"""

from __future__ import annotations

import fcntl
from typing import IO


def taken(opened: IO[str] | int, how: int = fcntl.LOCK_EX) -> bool:
    """Whether the lock on what is ``opened`` was free and is ours from now until that is closed; never waits.

    ``how`` may be ``fcntl.LOCK_SH``, which several hold at a time.
    """
    try:
        fcntl.flock(opened, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
