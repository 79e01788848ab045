"""Which two backups belong together: a dump of the database that names the lake's files, and the first one of the
buckets that was taken after it, so that everything that is named was there to be dumped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from enginedge.backup.catalogue import Found
from enginedge.backup.night import POINTED_AT, POINTING
from enginedge.backup.shapes import Manifest
from enginedge.errors import Misconfigured

(NAMING,), (HOLDING,) = POINTING, POINTED_AT
LAKE = "lake"  # what the drills of pairs are written down under
BETWEEN = "_"  # two ids, neither of which has one
REMEDY = f"run `enginedge backup now --store {NAMING} --store {HOLDING}`"


@dataclass(frozen=True)
class Pair:
    """The backup that names files, and the one that holds them."""

    naming: Manifest
    holding: Manifest

    @property
    def id(self) -> str:
        return f"{self.naming.id}{BETWEEN}{self.holding.id}"


def chosen_pair(found: Found, naming: str = "", holding: str = "") -> Pair:
    """The newest backup of the database that has one of the buckets after it, with the first such one; or those called
    ``naming`` and ``holding``.

    Raises:
        Misconfigured: there is no such pair; the buckets were dumped before the database had been.
    """
    if naming or holding:
        return _called(found, naming, holding)
    for each in reversed(found.regular(NAMING)):
        if after := _after(found, each):
            return Pair(each, after[0])
    raise Misconfigured(
        f"there is no backup of {NAMING} with one of {HOLDING} after it", where="the backup catalogue", remedy=REMEDY
    )


def proved_together(found: Found) -> set[str]:
    """The ids of the two backups that were last proved to be one lake; empty where none were."""
    proofs = found.drills_of(LAKE)
    return set(proofs[-1].manifest.split(BETWEEN)) if proofs else set()


def _called(found: Found, naming: str, holding: str) -> Pair:
    if naming:
        first = found.manifest(naming, NAMING)
        if not holding:
            if not (after := _after(found, first)):
                raise Misconfigured(f"there is no backup of {HOLDING} after {naming}", where=NAMING, remedy=REMEDY)
            return Pair(first, after[0])
        second = found.manifest(holding, HOLDING)
    else:
        second = found.manifest(holding, HOLDING)
        before = [each for each in found.of(NAMING) if _named_at(each) <= second.taken_at]
        if not before:
            raise Misconfigured(f"there is no backup of {NAMING} before {holding}", where=HOLDING, remedy=REMEDY)
        first = before[-1]
    if second.taken_at < _named_at(first):
        raise Misconfigured(
            f"{second.id} of {HOLDING} is older than {first.id} of {NAMING}, which may name files that it lacks",
            where="the backup catalogue",
            untouched="both",
            remedy=f"choose a backup of {HOLDING} that is newer, or leave one of the two out",
        )
    return Pair(first, second)


def _after(found: Found, naming: Manifest) -> list[Manifest]:
    return [each for each in found.regular(HOLDING) if each.taken_at >= _named_at(naming)]


def _named_at(manifest: Manifest) -> datetime:
    """Not before what it names was read; of one that names nothing, the end of its dump."""
    pointed = manifest.dumped.pointed
    return pointed.at if pointed else manifest.taken_at + timedelta(seconds=manifest.duration_s)
