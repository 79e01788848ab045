"""What a restore will do, told before it does anything: from which backup, into what, how long, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import Any

from enginedge.backup import folders
from enginedge.backup.catalogue import Found, catalogue
from enginedge.backup.locations import Location
from enginedge.backup.operations import chosen
from enginedge.backup.parts.shapes import Part
from enginedge.backup.shapes import Manifest
from enginedge.backup.stores import Store, declared_stores, home_of
from enginedge.errors import Misconfigured
from enginedge.platform import load_platform
from enginedge.settings import settings


@dataclass(frozen=True)
class Request:
    """What somebody wants restored.

    Attributes:
        backup: its id; empty: the newest.
        folder: for etcd and the volumes: where to, instead of the folder that the service runs on.
        replace: the store's name, said by whoever wants what is there replaced.
        without_safety_backup: the store's name again, said by whoever gives up what is there.
        only: a part of the store, as its kind names them; empty: all of it.
        name: what the part is to be called; empty: what it was called.

    Raises:
        Misconfigured: a word is not the store's name, or there is a new name and no part.
    """

    store: str
    backup: str = ""
    location: Location = Location.PRIMARY
    folder: Path | None = None
    replace: str = ""
    without_safety_backup: str = ""
    only: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        for option in ("replace", "without_safety_backup"):
            if (word := getattr(self, option)) not in ("", self.store):
                raise Misconfigured(
                    f"{word!r} is not the store to be restored",
                    where=f"--{option.replace('_', '-')}",
                    untouched="everything",
                    remedy=f"say {self.store}, if you mean it",
                )
        if self.name and not self.only:
            raise Misconfigured("only a part gets another name", where="--as", remedy="say which, with --only")

    def line(self, backup: str) -> str:
        """The one line that restores ``backup`` over what this request restores."""
        only = f" --only {quote(self.name or self.only)}" if self.only else ""
        place = "" if self.location is Location.PRIMARY else f" --from {self.location}"
        return f"enginedge restore {self.store} --backup {backup} --replace {self.store}{only}{place}"


@dataclass(frozen=True)
class Aim:
    """What a request comes to: a backup of a store, and the target that it goes into, which is ``folder`` where that is
    one."""

    request: Request
    store: Store
    found: Found
    manifest: Manifest
    target: Any
    part: Part | None
    folder: Path | None = None

    @property
    def in_home(self) -> bool:
        """Whether it goes into the folder that the store's service runs on."""
        return self.store.home is not None and self.folder == self.store.home.resolve()

    @property
    def where(self) -> str:
        place = str(getattr(self.target, "where", self.target))
        return f"{place}, as {self.part.to}" if self.part else place

    @cached_property
    def present(self) -> list[str]:
        """The names of what is in the way."""
        if self.part and self.store.parts:
            return self.store.parts.present(self.part, self.target)
        return self.store.source.present(self.target)

    @cached_property
    def aside(self) -> Path | None:
        """What the folder will be called that is in the way, none where none is: the way back is written down before it
        is renamed."""
        return folders.name_aside(self.folder) if self.folder and self.present and not self.part else None

    @property
    def sets_aside(self) -> bool:
        """Whether what is in the way is renamed; else it is dumped before it goes."""
        return self.store.parts.sets_aside if self.part and self.store.parts else self.store.home is not None

    @property
    def is_dumped(self) -> bool:
        """Whether a safety backup is taken."""
        return bool(self.present) and not self.sets_aside and not self.request.without_safety_backup

    def way_back(self, safety: str = "ID", aside: str = "") -> str:
        """The line that undoes the restore, or a sentence where no line can.

        The safety backup is ``safety``, or what was there is now ``aside``.
        """
        if not self.present:
            return f"delete what was restored into {self.where}"
        if self.sets_aside:
            there = self.present[0] if self.part else self.where
            # The second works where the first finds nothing, because the restore broke off between its two renames.
            undone, before, place = quote(f"{there}.undone"), quote(aside or f"{there}.before-…"), quote(there)
            return f"mv -T {place} {undone}; mv -T {before} {place}"
        return self.request.line(safety) if self.is_dumped else "it cannot be undone: the safety backup was waived"


@dataclass(frozen=True)
class Plan:
    """What will happen.

    Attributes:
        present: the names of what is there and will be replaced; none where nothing is in the way.
        restore_s: how long it will take, from the last drill; none where no drill has been.
        safety_s: how long the safety backup before it will take, from the backup's own time; 0 where none is taken.
        undo: the way back.
    """

    store: str
    backup: str
    taken_at: datetime
    part: str
    target: str
    present: tuple[str, ...]
    restore_s: float | None
    safety_s: float
    undo: str

    def __str__(self) -> str:
        what = f"{self.part} of {self.store}" if self.part else self.store
        took = f"about {self.restore_s:.0f} s, as its last drill did" if self.restore_s else "a time that no drill told"
        took = f"{took} for the whole store" if self.part and self.restore_s else took
        safety = f", after a safety backup of about {self.safety_s:.0f} s" if self.safety_s else ""
        there = f"It replaces what is there: {', '.join(self.present)}." if self.present else "Nothing is there yet."
        return (
            f"Restore {what} from {self.backup}, taken at {self.taken_at:%Y-%m-%d %H:%M} UTC, into {self.target}.\n"
            f"{there}\nIt takes {took}{safety}.\nTo undo it: {self.undo}"
        )


def aim(request: Request) -> Aim:
    """The backup and the target that ``request`` means.

    Raises:
        Misconfigured: there is no such store, backup or part; names what is near.
    """
    (store,) = declared_stores([request.store])
    found = catalogue(request.location).read(request.store)
    manifest = chosen(found, request.store, request.backup)
    part = Part(request.only, request.name or request.only) if request.only else None
    if part:
        if store.parts is None:
            raise Misconfigured(f"{store.name} has no parts", where="--only", remedy="restore all of it")
        if request.folder and not store.parts.sets_aside:
            raise Misconfigured(
                "a part of it is restored into the running store", where="--folder", remedy="leave --folder out"
            )
        store.parts.check(part, manifest.dumped)
    folder = request.folder or store.home
    real = _own(folder, store) if folder else None
    return Aim(request, store, found, manifest, store.target(real), part, real)


def _own(folder: Path, store: Store) -> Path:
    """``folder`` by its one name, whatever links and dots lead to it.

    Raises:
        Misconfigured: another service runs on it, above it or below it.
    """
    real = folder.resolve()
    for service in load_platform(settings().root / "deploy" / "platform.yaml").services:
        home = home_of(service).resolve()
        if real in home.parents or home in real.parents or (real == home and service.name != store.name):
            raise Misconfigured(
                f"{service.name} keeps its data in {home}",
                where=str(folder),
                untouched="everything",
                remedy="choose a folder that no service runs on",
            )
    return real


def plan(request: Request) -> Plan:
    """What :func:`enginedge.backup.restoring.restore` will do with ``request``; nothing is touched.

    Raises:
        Misconfigured: there is no such store, backup or part.
        Unavailable: the target does not answer.
    """
    aimed = aim(request)
    return Plan(
        store=aimed.store.name,
        backup=aimed.manifest.id,
        taken_at=aimed.manifest.taken_at,
        part=request.only,
        target=aimed.where,
        present=tuple(aimed.present),
        restore_s=foretold_s(aimed.found, aimed.manifest),
        safety_s=aimed.manifest.duration_s if aimed.is_dumped else 0.0,
        undo=aimed.way_back(),
    )


def foretold_s(found: Found, manifest: Manifest) -> float | None:
    """How long a restore will take, in seconds: as the last drill of this backup, or of another one of its store, in
    proportion to their bytes."""
    if proof := found.verified(manifest):
        return proof.restore_s
    sizes = {each.id: each.bytes_in for each in found.of(manifest.store)}
    drills = [each for each in found.drills_of(manifest.store) if sizes.get(each.manifest)]
    return drills[-1].restore_s * manifest.bytes_in / sizes[drills[-1].manifest] if drills else None
