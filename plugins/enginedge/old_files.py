"""Files that are kept for a number of days after they were last written to: logs, mostly."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path


def remove_old_files(folder: Path, days: float) -> None:
    """Remove the files in and under ``folder`` that nobody has written to for ``days``, and what was empty as long.

    A link is no file and is left; so is a folder that changed lately, since somebody may be about to write into it.
    """
    oldest = time.time() - days * 86_400
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before the folder
        with suppress(OSError):  # somebody else was faster, or has just written into it
            if path.is_symlink() or path.stat().st_mtime >= oldest:
                continue
            if path.is_file():
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
