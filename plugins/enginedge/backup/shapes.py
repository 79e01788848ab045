"""What a backup is, as values: what was dumped, what it looked like at that moment, and what a drill found out.

A backup exists when its manifest does, and counts as verified when a restore of it was compared with the manifest's
fingerprint. Every store has a source that dumps, restores and describes it; the repository keeps the bytes. Neither
knows the other's kind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from enginedge.errors import Misconfigured

Target = TypeVar("Target", contravariant=True)


@dataclass(frozen=True)
class Command:
    """A program that is streamed from or into; neither its arguments nor its environment hold a secret."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fingerprint:
    """What a store holds at one moment, told so that a copy of it can be told from anything else.

    Attributes:
        parts: the name of each part (a table, a collection, a folder …) and its count and digest.
        at_least: counters that run on outside of any snapshot, such as sequences: a copy may not be behind them.
    """

    parts: Mapping[str, str]
    at_least: Mapping[str, int] = field(default_factory=dict)

    def differences(self, copy: Fingerprint) -> list[str]:
        """One sentence for each part in which ``copy`` is not as this says; none when it is a true copy."""
        said = [
            f"{name} is {copy.parts.get(name, 'missing')}, not {part}"
            for name, part in self.parts.items()
            if copy.parts.get(name) != part
        ]
        said += [f"{name} was not in the backup" for name in copy.parts.keys() - self.parts.keys()]
        for name, value in self.at_least.items():
            if copy.at_least.get(name, -1) < value:
                said.append(f"{name} stands at {copy.at_least.get(name, 'nothing')}, before {value}")
        return sorted(said)


@dataclass(frozen=True)
class Snapshot:
    """One object in the repository: its id there, the name it was saved under, and its bytes."""

    id: str
    name: str
    bytes_in: int
    bytes_stored: int


@dataclass(frozen=True)
class Pointed:
    """What a store names in another one, at the dumped moment: only a drill of both can compare it.

    Attributes:
        at: when it was read, which was not before the dumped moment.
        tables: each table that is named, and where its metadata lies.
        read: what the running platform reads of them at exactly that metadata: a digest, or a number of rows.
        unread: the tables of which it could not be read, and why.
    """

    at: datetime
    tables: Mapping[str, str]
    read: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dumped:
    """What a source has put into the repository, and what the store looked like at that moment.

    Attributes:
        consistency: ``point in time``, or ``crash-consistent`` where the files of a running program were copied.
    """

    taken_at: datetime
    fingerprint: Fingerprint
    objects: tuple[Snapshot, ...]
    tool_versions: Mapping[str, str]
    consistency: str = "point in time"
    pointed: Pointed | None = None


@dataclass(frozen=True)
class Manifest:
    """What makes a backup one: written last, signed, and readable without any tool.

    Attributes:
        number: rises from each of the store's backups to the next: they keep the order in which they were taken, though
            the clock was set back. No smaller than the seconds since 1970, so that it also rises where the backups
            before are known at the second place alone.
        safety: whether it holds what a restore has replaced, and so is the way back from that.
    """

    id: str
    store: str
    dumped: Dumped
    duration_s: float
    number: int = 0
    safety: bool = False

    @property
    def order(self) -> tuple[int, datetime]:
        """What sorts a store's backups, the newest last."""
        return self.number, self.taken_at

    @property
    def taken_at(self) -> datetime:
        return self.dumped.taken_at

    @property
    def bytes_in(self) -> int:
        return sum(each.bytes_in for each in self.dumped.objects)

    @property
    def bytes_stored(self) -> int:
        return sum(each.bytes_stored for each in self.dumped.objects)

    @property
    def object_ids(self) -> set[str]:
        """The ids of the objects that it is made of."""
        return {each.id for each in self.dumped.objects}

    def lacking(self, present: Collection[str]) -> set[str]:
        """The ids of its objects that are not among ``present``."""
        return self.object_ids - set(present)

    def object(self, name: str) -> Snapshot:
        """The object that was saved under ``name``.

        Raises:
            KeyError: the backup has none of that name.
        """
        return {each.name: each for each in self.dumped.objects}[name]


def refuse_present(names: Collection[str], where: str, remedy: str = "restore elsewhere, or empty it first") -> None:
    """Return when there is nothing in the way of a restore.

    Raises:
        Misconfigured: there is; names it.
    """
    if names:
        raise Misconfigured(
            f"it is not empty: it has {', '.join(names)}",
            where=where,
            untouched="the target",
            remedy=remedy,
        )


@dataclass(frozen=True)
class DrillReport:
    """A restore that was compared with its manifest and found equal: only such a one is ever recorded.

    Attributes:
        restore_s: from an empty, running target to the restored one: what a restore in earnest takes.
        drill_s: all of it, with starting the scratch server, comparing, and taking it down.
        parts: how many parts of the fingerprint were compared.
        told: what else it counted, and what it could not compare.
    """

    store: str
    manifest: str
    drilled_at: datetime
    restore_s: float
    drill_s: float
    parts: int
    told: Mapping[str, Any] = field(default_factory=dict)


class Repository(Protocol):
    """Where the bytes are: encrypted, compressed, deduplicated. Each object carries our mark, its store's and its
    backup's."""

    def marked(self, store: str, backup: str) -> Repository:
        """The same repository, whose new objects are marked as belonging to ``backup`` of ``store``."""
        ...

    def save_output(self, name: str, command: Command, listen: Callable[[str], None] | None = None) -> Snapshot:
        """Stream what ``command`` prints into an object; if it fails at any byte there is no object.

        ``listen`` is told each line of what it said on standard error.
        """
        ...

    def read(self, snapshot: Snapshot) -> str:
        """The object's text: for small ones."""
        ...

    def load_into(self, snapshot: Snapshot, command: Command) -> None:
        """Stream the object's bytes into ``command``'s standard input; either's failure is raised."""
        ...

    def version(self) -> Mapping[str, str]:
        """The engine's name, and the version of the program that is at work."""
        ...

    def ids(self, backup: str = "") -> Mapping[str, datetime]:
        """The ids of all objects that carry our mark, or those of one backup, and when each was saved."""
        ...

    def check(self, part: int = 1, of: int = 1) -> None:
        """Read the structure and part number ``part`` of ``of`` equal parts of all bytes; raise where one is wrong."""
        ...

    def forget(self, ids: Collection[str]) -> None:
        """Give up these objects and what no other one uses; ids without our mark are refused."""
        ...


class BackupSource(Protocol[Target]):
    """One kind of store. Its fingerprints describe the dumped moment, never "now"."""

    def dump(self, into: Repository) -> Dumped:
        """Stream the store into the repository."""
        ...

    def present(self, at: Target) -> list[str]:
        """The names of what ``at`` holds and a restore would be mixed with; none where it can be restored into."""
        ...

    def clear(self, at: Target, aside: Path | None) -> None:
        """Take that out of the way: a folder is renamed ``aside``, anything else is gone, and has none."""
        ...

    def restore(self, dumped: Dumped, repository: Repository, to: Target) -> None:
        """Fill ``to``, which must be empty, with what was dumped.

        Raises:
            Misconfigured: it is not empty.
        """
        ...

    def admit(self, to: Target) -> None:
        """Let in whom :meth:`restore` has kept out, so that nobody writes before what came out has been compared."""
        ...

    def fingerprint(self, at: Target) -> Fingerprint:
        """What ``at`` holds, in the same terms as the fingerprint of a dump."""
        ...
