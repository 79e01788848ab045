"""What a restore will do, told before it does anything: from which backup, into what, how long, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from enginedge.backup.catalogue import Found, catalogue
from enginedge.backup.locations import Location
from enginedge.backup.operations import chosen as chosen_of
from enginedge.backup.shapes import Manifest
from enginedge.backup.stores import declared_stores
from enginedge.errors import Misconfigured


@dataclass(frozen=True)
class Request:
    """What somebody wants restored.

    Attributes:
        backup: its id; empty: the newest.
        folder: for etcd and the volumes: where to, instead of the folder that the service runs on.
        replace: the store's name, said by whoever wants what is there replaced.
        without_safety_backup: the store's name again, said by whoever gives up what is there.

    Raises:
        Misconfigured: a word is not the store's name.
    """

    store: str
    backup: str = ""
    location: Location = Location.PRIMARY
    folder: Path | None = None
    replace: str = ""
    without_safety_backup: str = ""

    def __post_init__(self) -> None:
        for option in ("replace", "without_safety_backup"):
            if (word := getattr(self, option)) not in ("", self.store):
                raise Misconfigured(
                    f"{word!r} is not the store to be restored",
                    where=f"--{option.replace('_', '-')}",
                    untouched="everything",
                    remedy=f"say {self.store}, if you mean it",
                )


@dataclass(frozen=True)
class Plan:
    """What will happen.

    Attributes:
        present: the names of what is there and would be replaced; none where the target is empty.
        restore_s: how long it will take, from the last drill; none where no drill has been.
        safety_s: how long the safety backup before it will take, from the backup's own time; 0 where none is taken.
    """

    store: str
    backup: str
    taken_at: datetime
    target: str
    present: tuple[str, ...]
    restore_s: float | None
    safety_s: float
    undo: str

    def __str__(self) -> str:
        took = f"about {self.restore_s:.0f} s, as its last drill did" if self.restore_s else "a time that no drill told"
        safety = f", after a safety backup of about {self.safety_s:.0f} s" if self.safety_s else ""
        there = f"It replaces {', '.join(self.present)}." if self.present else "Nothing is there yet."
        return (
            f"Restore {self.store} from {self.backup}, taken at {self.taken_at:%Y-%m-%d %H:%M} UTC, into {self.target}."
            f"\n{there}\nIt takes {took}{safety}.\nTo undo it: {self.undo}"
        )


def plan(request: Request) -> Plan:
    """What :func:`enginedge.backup.restoring.restore` will do with ``request``; nothing is touched.

    Raises:
        Misconfigured: there is no such store or backup.
        Unavailable: the target does not answer.
    """
    (store,) = declared_stores([request.store])
    found = catalogue(request.location).read(request.store)
    manifest = chosen_of(found, request.store, request.backup)
    target = store.target(request.folder)
    where = str(getattr(target, "where", target))
    present = tuple(store.source.present(target))
    safe = bool(present) and not store.home and not request.without_safety_backup
    if not present:
        undo = f"empty {where} again"
    elif store.home:
        undo = f"what is there is renamed to {where}.before-… beside it; rename it back"
    else:
        undo = undone_by(request, "ID") + ", where ID is printed" if safe else "it cannot be undone"
    return Plan(
        store=store.name,
        backup=manifest.id,
        taken_at=manifest.taken_at,
        target=where,
        present=present,
        restore_s=foretold_s(found, manifest),
        safety_s=manifest.duration_s if safe else 0.0,
        undo=undo,
    )


def chosen(request: Request) -> Manifest:
    """The backup that is asked for.

    Raises:
        Misconfigured: there is none.
    """
    return chosen_of(catalogue(request.location).read(request.store), request.store, request.backup)


def foretold_s(found: Found, manifest: Manifest) -> float | None:
    """How long a restore will take, in seconds: as the last drill of this backup, or of another one of its store, in
    proportion to their bytes."""
    if proof := found.verified(manifest):
        return proof.restore_s
    sizes = {each.id: each.bytes_in for each in found.of(manifest.store)}
    drills = [each for each in found.drills if each.store == manifest.store and sizes.get(each.manifest)]
    return drills[-1].restore_s * manifest.bytes_in / sizes[drills[-1].manifest] if drills else None


def undone_by(request: Request, safety: str) -> str:
    """The one line that brings back what a restore has replaced."""
    place = "" if request.location is Location.PRIMARY else f" --from {request.location}"
    return f"enginedge restore {request.store} --backup {safety} --replace {request.store}{place}"
