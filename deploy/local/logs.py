"""Keeps the services' logs from growing for as long as the stack runs, and forgets what Airflow's tasks said long ago.

A service writes to its log through the descriptor that it was started with, so a log can't be moved from under it: what
is in it is copied to a file beside it, and the log is emptied where it is. Every writer appends, and so goes on at its
new end; what it writes between the copy and the emptying is lost.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path

from enginedge.old_files import remove_old_files

MOST_BYTES = 50_000_000
KEPT = 3
LOOK_EVERY_S = 300.0
TASKS_KEPT_DAYS = 60  # as long as those of Spark's applications
log = logging.getLogger(__name__)


def tend(state: Path, every_s: float = LOOK_EVERY_S) -> None:
    """Look after the logs of the installation whose folder is ``state`` for ever."""
    while True:
        try:
            keep_small(state / "log")
            remove_old_files(state / "data" / "airflow" / "logs", TASKS_KEPT_DAYS)
        except OSError as error:  # a full disk, say: it may pass, and nobody would miss a keeper that died
            log.warning("the logs can't be kept small: %s", error)
        time.sleep(every_s)


def keep_small(folder: Path, most_bytes: int = MOST_BYTES, kept: int = KEPT) -> None:
    """Set aside what is in each log of ``folder`` that is larger than ``most_bytes``: at most ``kept`` files a log."""
    for path in folder.glob("*.log"):
        if path.stat().st_size > most_bytes:
            _set_aside(path, kept)


def _set_aside(path: Path, kept: int) -> None:
    copy = path.with_name(f".{path.name}.part")
    shutil.copy(path, copy)
    for number in range(kept, 1, -1):
        if (younger := _aside(path, number - 1)).exists():
            younger.replace(_aside(path, number))
    copy.replace(_aside(path, 1))
    os.truncate(path, 0)


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
