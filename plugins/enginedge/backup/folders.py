"""A folder as the target of a restore: filled beside its place and put there whole, and what was there set aside.

So a restore that is killed leaves the folder as it was, and nothing that was in it is ever deleted by us.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enginedge.errors import Misconfigured


def present(folder: Path) -> list[str]:
    """The names of what is in ``folder``, a few of them, or its own where it is a file; none where it is empty or not
    there.

    Raises:
        Misconfigured: it cannot be read.
    """
    if folder.exists() and not folder.is_dir():
        return [folder.name]
    with _named(folder, "it cannot be read"):
        names = sorted(each.name for each in folder.iterdir()) if folder.exists() else []
    return [*names[:5], f"{len(names) - 5} more"] if len(names) > 5 else names


def name_aside(path: Path) -> Path:
    """A name beside ``path`` that says when, and that nothing has."""
    aside = path.with_name(f"{path.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    number = 1
    while aside.exists():
        number += 1
        aside = aside.with_name(f"{aside.name.partition('~')[0]}~{number}")
    return aside


def set_aside(path: Path, to: Path | None = None) -> Path:
    """Rename a folder or file ``to`` another name, or to one of :func:`name_aside`; returns the new name.

    Raises:
        Misconfigured: it cannot be renamed: it is a mount, or somebody else's.
    """
    aside = to or name_aside(path)
    with _named(path, "it cannot be set aside"):
        path.rename(aside)
    return aside


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """``folder``, made anew, and gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)  # of a restore that was killed
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def filled(folder: Path) -> Iterator[Path]:
    """A place to fill, not there yet; afterwards it is ``folder``, which must be empty or not there.

    Raises:
        Misconfigured: nothing can be put beside ``folder``, or something was put into it meanwhile.
    """
    part = folder.with_name(f".{folder.name}.restoring")
    with _named(folder, "nothing can be put there"):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)  # of a restore that was killed
        part.mkdir()
        part.rmdir()
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)  # half of it is of no use, and the disk may be full
        raise
    try:
        part.rename(folder)
    except OSError as failure:
        raise Misconfigured(
            f"something was put there during the restore ({failure.strerror})",
            where=str(folder),
            untouched="what is there",
            remedy=f"stop its service, set the folder aside, and rename {part} to it",
        ) from failure


@contextmanager
def _named(folder: Path, what: str) -> Iterator[None]:
    """Say of ``folder`` ``what`` went wrong, where the kernel says why."""
    try:
        yield
    except OSError as failure:
        raise Misconfigured(
            f"{what} ({failure.strerror})", where=str(folder), untouched="what is there", remedy="choose another folder"
        ) from failure
