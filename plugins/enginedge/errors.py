"""Every failure that the library raises on purpose, named for what the person on call does next.

::

    EnginEdgeError
    ├── Misconfigured   fix the repository or the configuration; a retry changes nothing
    ├── Unavailable     a service did not answer; a retry may succeed
    └── Violated        a promise was broken; nobody may look away

The exit status of a command that ends with one tells a script the same.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

ENDS = (".", "!", "?", ":", "\n", "")  # of a sentence, which needs no full stop then
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Where:
    """The place a failure points at: a file with a line, a service, or an object in a store."""

    place: str
    line: int | None = None

    def __str__(self) -> str:
        return self.place if self.line is None else f"{self.place}:{self.line}"


class EnginEdgeError(Exception):
    """What happened, where, what was left untouched and what to do: all four, in one message.

    Args:
        what: one sentence that says what happened.
        where: the file (and line), service or object it happened at.
        remedy: what the reader should do now.
        untouched: what the failure did not change, where that is a worry.

    Attributes:
        exit_status: what a command ends with that ends with it.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, what: str, *, where: Where | str | None = None, remedy: str = "", untouched: str = "") -> None:
        self.what, self.where, self.remedy, self.untouched = what, where, remedy, untouched
        said = f"{where}: {what}" if where else what
        parts = [f"{said}." if (untouched or remedy) and said[-1:] not in ENDS else said]
        if untouched:
            parts.append(f"Not touched: {untouched}.")
        if remedy:
            parts.append(f"What to do: {remedy}" if remedy[-1:] in ENDS else f"What to do: {remedy}.")
        super().__init__(" ".join(parts))


class Misconfigured(EnginEdgeError):
    """The repository or its configuration is wrong. Never retried."""

    exit_status = 2


class Unavailable(EnginEdgeError):
    """A service did not answer, or not in time. Retried."""

    exit_status = 3


class Violated(EnginEdgeError):
    """A promise was broken: counts that do not reconcile, a digest that differs. Pages."""

    exit_status = 4


@contextmanager
def full_disks_named(place: str = "a file of this installation") -> Iterator[None]:
    """Turn the kernel's word for a full disk into ours, inside the ``with``; ``place`` is told where it names no file.

    Raises:
        Unavailable: a disk, or somebody's share of it, is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise Unavailable(
            f"the disk is full: {error.strerror}",
            where=str(error.filename or place),
            untouched="what is published",
            remedy="make room on that disk, then run the same command again",
        ) from error
