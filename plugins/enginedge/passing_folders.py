"""Folders for as long as somebody works in them: dumps, scratch servers, whatever must not outlive its maker.

Who is killed takes nothing away any more, and what is left is somebody's data in the clear. So each folder is locked
for as long as its maker lives, by the kernel, and the next one to be made beside it removes those that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from enginedge.private_files import private_folder


@contextmanager
def passing_folder(within: Path, name: str = "work") -> Iterator[Path]:
    """An empty folder in ``within`` that only we can enter; gone afterwards, with what was put into it."""
    with ExitStack() as held:
        with _locked(private_folder(within)):  # so that nobody takes the new one for one that was left
            for left in [path for path in within.iterdir() if path.is_dir()]:
                with suppress(OSError), _locked(left, fcntl.LOCK_NB):
                    shutil.rmtree(left, ignore_errors=True)
            folder = Path(mkdtemp(prefix=f"{name}-", dir=within))
            held.enter_context(_locked(folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(descriptor)
