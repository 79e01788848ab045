"""What keeps a place's backups restorable, and no more of them than the rules say: checks, locks, and giving up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from enginedge.backup import copying, night, unfinished
from enginedge.backup.catalogue import Found, catalogue, refuse_damaged
from enginedge.backup.locations import Location
from enginedge.backup.pairs import proved_together
from enginedge.backup.repository import repository
from enginedge.backup.retention import Keep, Verdict, verdicts
from enginedge.backup.shapes import Manifest
from enginedge.backup.stores import refuse_unknown, store_names
from enginedge.errors import Misconfigured, Violated

ORPHANED_AFTER = timedelta(days=1)  # an object without a manifest may belong to a backup that is being taken
LOCKED_DAYS = 21  # each night what is in use is locked for this long; a new object is by the bucket, for longer
SHARES = 7  # the nightly check reads one such share of all bytes, so that all are read within a week


@dataclass(frozen=True)
class Judged:
    """What becomes of each backup of some stores, or of all, and which objects belong to no backup.

    Attributes:
        found: every backup at the place, of whatever store.
        orphans: the ids of our objects that no backup is made of, nor one that is being taken: one that failed has
            left them.
    """

    found: Found
    verdicts: list[Verdict]
    orphans: list[str]

    @property
    def going(self) -> list[Verdict]:
        return [each for each in self.verdicts if not each.stays]

    @property
    def doomed(self) -> set[str]:
        """The ids of the objects that go: the orphans, and what only backups that go are made of."""
        gone = [each.manifest for each in self.going]
        used = _objects_of(each for each in self.found.manifests if each not in gone)
        return _objects_of(gone) - used | set(self.orphans)


def judged(names: Sequence[str] = (), keep: Keep | None = None, location: Location = Location.PRIMARY) -> Judged:
    """What is to become of each backup of these stores at ``location``, or of all.

    Raises:
        Violated: a manifest there is not what was written: nothing is judged by what may be half of the truth.
        Misconfigured: there is no such store.
    """
    found = copying.with_proofs_of_both(catalogue(location).read(), location)
    refuse_damaged(found)
    refuse_unknown(names, found)
    stores = names or sorted({each.store for each in found.manifests})
    proved, together, now = {each.manifest for each in found.drills}, proved_together(found), datetime.now(UTC)
    begun = unfinished.backups()
    told = [
        each for store in stores for each in verdicts(found.of(store), proved, keep or Keep(), together, now, begun)
    ]
    return Judged(found, told, _orphaned(found, location))


def _orphaned(found: Found, location: Location) -> list[str]:
    if copying.is_yet_to_be(location):
        return []
    known = _objects_of(found.manifests)
    oldest = datetime.now(UTC) - ORPHANED_AFTER
    return sorted(id_ for id_, at in repository(location).ids().items() if id_ not in known and at < oldest)


def _objects_of(manifests: Iterable[Manifest]) -> set[str]:
    return set().union(*(each.object_ids for each in manifests))


def forget(
    names: Sequence[str] = (), keep: Keep | None = None, location: Location = Location.PRIMARY
) -> list[dict[str, Any]]:
    """Give up what no rule keeps, and what a backup that failed has left behind; returns what went, and why.

    Raises:
        Unavailable: a backup, a copy, a drill or a restore is running: objects may have no manifest yet, or be read.
    """
    with ExitStack() as held:
        for name in (*store_names(), copying.LOCK):
            held.enter_context(night.alone(name))
        for name in store_names():
            held.enter_context(night.unread(name))
        found = judged(names, keep, location)
        for each in found.going:
            catalogue(location).remove(each.manifest)
        if found.doomed:
            repository(location).forget(found.doomed)
    return _rows(found.going, found.orphans)


def foretold(names: Sequence[str] = (), location: Location = Location.PRIMARY) -> list[dict[str, Any]]:
    """What :func:`forget` would do: a row a backup, and one of each object that goes because it belongs to none."""
    found = judged(names, location=location)
    return _rows(found.verdicts, found.orphans)


def forget_or_tell(dry_run: bool, place: str = Location.PRIMARY) -> list[dict[str, Any]]:
    """What :func:`forget` gave up at the location called ``place``, or, in a dry run, what it would give up."""
    location = Location(place)
    if not dry_run:
        return forget(location=location)
    return [each for each in foretold(location=location) if not each["stays"]]


def _rows(told_of: Sequence[Verdict], orphans: Sequence[str]) -> list[dict[str, Any]]:
    told = [{"store": each.manifest.store, "backup": each.manifest.id, "stays": each.stays, "why": each.why}
            for each in told_of]  # fmt: skip
    return told + [{"store": "", "backup": id_, "stays": False, "why": "it belongs to no backup"} for id_ in orphans]


def keep_locked(location: Location = Location.PRIMARY) -> dict[str, int]:
    """Lock everything that the backups still use for long enough to reach well beyond the next run."""
    return {"objects": catalogue(location).keep_locked(LOCKED_DAYS)}


def check_share(part: int = 0, of: int = SHARES, place: str = Location.PRIMARY) -> dict[str, Any]:
    """Check the structure of the repository at the location called ``place``, every manifest there, and one share of
    all bytes: today's where ``part`` is 0.

    Raises:
        Misconfigured: there is no such share.
        Violated: names what is wrong.
    """
    if not 0 <= part <= of:
        raise Misconfigured(f"there is no share {part} of {of}", where="--part", remedy=f"give one from 1 to {of}")
    location, read = Location(place), part or datetime.now(UTC).toordinal() % of + 1
    found = catalogue(location).read()
    refuse_damaged(found)
    if copying.is_yet_to_be(location):
        return {"manifests": 0, "share": f"{read}/{of}"}
    present = repository(location).ids()
    missing = [f"{each.store} {each.id}" for each in found.manifests if each.lacking(present)]
    if missing:
        raise Violated(
            f"the repository lacks objects of {', '.join(missing)}",
            where=repository(location).where,
            untouched="the other backups",
            remedy="bring back the older versions of its objects, which the bucket keeps",
        )
    repository(location).check(read, of)
    return {"manifests": len(found.manifests), "share": f"{read}/{of}"}


def account_kept() -> dict[str, int]:
    """How many backups each place keeps, all of their manifests being what was written.

    Raises:
        Violated: one of them is not.
    """
    kept = {}
    for location in Location:
        found = catalogue(location).read()
        refuse_damaged(found)
        kept[str(location)] = len(found.manifests)
    return kept
