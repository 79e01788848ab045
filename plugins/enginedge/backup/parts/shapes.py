"""What a part is, and what every kind of store promises of restoring one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol, TypeVar

from enginedge.backup.shapes import Dumped, Repository
from enginedge.errors import Misconfigured

Target = TypeVar("Target", contravariant=True)
Scratch = Callable[[], AbstractContextManager[Any]]
MOST_NAMED = 5


@dataclass(frozen=True)
class Part:
    """A part of a backup, and the name that it is restored under, both as the store's kind names its parts."""

    what: str
    to: str


class PartSource(Protocol[Target]):
    """How parts of one kind of store are restored."""

    @property
    def sets_aside(self) -> bool:
        """Whether what is in the way is renamed; elsewhere it is deleted, and dumped before."""
        ...

    def check(self, part: Part, dumped: Dumped) -> None:
        """Return when the backup has the part, as far as its manifest tells.

        Raises:
            Misconfigured: it has not; names what is near.
        """
        ...

    def present(self, part: Part, at: Target) -> list[str]:
        """The names of what ``at`` holds where the part would be put."""
        ...

    def restore(self, part: Part, dumped: Dumped, repository: Repository, to: Target, scratch: Scratch) -> int:
        """Put the part there, instead of what is :meth:`present`, and return how many parts of the fingerprint were
        compared; ``scratch`` is an empty copy of the store.

        Raises:
            Misconfigured: the backup has no such part, or it cannot be put there.
            Violated: what came out is not what was dumped.
        """
        ...


def refuse_unknown(what: str, known: Collection[str]) -> None:
    """Return when ``what`` is known.

    Raises:
        Misconfigured: it is not; names what is near, or something of what there is.
    """
    if what not in known:
        near = get_close_matches(what, known, MOST_NAMED, 0.4) or sorted(known)[:MOST_NAMED]
        raise Misconfigured(
            f"the backup has no {what!r}",
            where="--only",
            untouched="everything",
            remedy=f"one of {', '.join(near)}" if near else "choose another backup, this one is empty",
        )


def beginning(what: str, names: Collection[str]) -> list[str]:
    """The names that ``what`` leads to, being a prefix of one, or to something below one."""
    return [each for each in names if each.startswith(what) or what.startswith(each)]
