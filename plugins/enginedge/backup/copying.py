"""The second copy: every backup that the off-site rules keep is copied there by the engine, which reads, verifies and
encrypts each byte anew, and only then gets its manifest there.

It is no sync: what is damaged here does not arrive there, and what is deleted here stays there until its own rules give
it up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from enginedge.backup import night
from enginedge.backup.catalogue import Catalogue, Found, catalogue, refuse_damaged
from enginedge.backup.locations import Location
from enginedge.backup.repository import Restic, repository
from enginedge.backup.retention import Keep, verdicts
from enginedge.backup.shapes import Manifest
from enginedge.backup.stores import refuse_unknown
from enginedge.errors import EnginEdgeError

LOCK = "offsite"  # one copy at a time


@dataclass(frozen=True)
class Outcome:
    """What became of one backup: how long its copy took, or why there is none."""

    manifest: Manifest
    took_s: float = 0.0
    failure: EnginEdgeError | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The copied backup as a row."""
        told = {"store": self.manifest.store, "id": self.manifest.id, "bytes_in": self.manifest.bytes_in}
        return {**told, "took_s": self.took_s}


def copy(stores: Sequence[str] = (), say: Callable[[Outcome], None] = lambda _: None) -> list[Outcome]:
    """Copy what is not off-site yet, of ``stores`` or of all, a store's oldest first; what cannot be copied holds up no
    other.

    Raises:
        Misconfigured: there is no such store.
        Violated: a manifest of either place was altered; the others are copied before.
        Unavailable: a copy is running already.
    """
    here, there = catalogue(), catalogue(Location.OFFSITE)
    source, target = repository(), repository(Location.OFFSITE)
    with night.alone(LOCK):
        found, copied = here.read(), there.read()  # first: restic would wait long for a place that does not answer
        refuse_unknown(stores, found)
        night.prepare(target, there, like=source)
        outcomes = [
            _copy(each, source, target, there, say)
            for each in missing(found, copied)
            if not stores or each.store in stores
        ]
    refuse_damaged(found)
    refuse_damaged(copied)
    return outcomes


def is_yet_to_be(location: Location) -> bool:
    """Whether nothing has been copied to the second place yet, which is no fault before the first night."""
    is_made = location is Location.PRIMARY or repository(location).exists()
    return not is_made and not catalogue(location).read().manifests


def with_proofs_of_both(found: Found, location: Location) -> Found:
    """What ``location`` holds, with the proofs of the first place, too: drills are made there, of the same backups, and
    what they proved is kept at the second one as well. Without them where the first place does not answer."""
    drills = found.drills
    if location is Location.OFFSITE:
        with suppress(EnginEdgeError):
            drills += catalogue().read().drills
    return replace(found, drills=tuple(sorted(drills, key=lambda each: each.drilled_at)))


def missing(found: Found, copied: Found, keep: Keep | None = None) -> list[Manifest]:
    """The backups that are not off-site and that its own rules would keep there: nothing is copied to be given up."""
    known = {each.id for each in copied.manifests}
    proved = {each.manifest for each in (*copied.drills, *found.drills)}
    wanted, now = set[str](), datetime.now(UTC)
    for store in {each.store for each in found.manifests}:
        both = {each.id: each for each in (*found.of(store), *copied.of(store))}
        judged = verdicts(list(both.values()), proved, keep or Keep(), now=now)
        wanted |= {each.manifest.id for each in judged if each.stays}
    return [each for each in found.manifests if each.id in wanted - known]


def _copy(
    manifest: Manifest, source: Restic, target: Restic, there: Catalogue, say: Callable[[Outcome], None]
) -> Outcome:
    began = time.monotonic()
    try:
        ids = target.copy(source, manifest.object_ids)
        objects = tuple(replace(each, id=ids[each.id]) for each in manifest.dumped.objects)
        there.add(replace(manifest, dumped=replace(manifest.dumped, objects=objects)))
        outcome = Outcome(manifest, round(time.monotonic() - began, 3))
    except EnginEdgeError as failure:
        outcome = Outcome(manifest, failure=failure)
    say(outcome)
    return outcome
