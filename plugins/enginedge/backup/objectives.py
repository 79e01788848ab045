"""Are the backups all right? What each store's objectives are, how its backups stand to them, and what is wrong.

Pure: everything is told from the signed manifests and the drills, nothing from whether a job said that it ran. A
store whose backups began only lately has as long as the objective itself allows to be proved and copied for the first
time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from enginedge.backup.catalogue import Found
from enginedge.backup.shapes import Manifest
from enginedge.errors import Misconfigured
from enginedge.platform import Objectives, Service
from enginedge.platform.model import Method

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Beyond this a logical dump takes too long to restore, and etcd itself refuses to grow.
MOST_GB = {Method.DUMP: 100, Method.SNAPSHOT: 8}
WINDOW_SHARE = 0.8  # of the window, beyond which there is little left for a bad night
#: What is dated further ahead than two clocks may differ was dated by a wrong one, and would be young for too long.
AHEAD = HOUR


class Code(StrEnum):
    """What can be wrong. A code is never given another meaning."""

    RPO_MISSED = "rpo-missed"  # the newest backup is too old, or there is none
    RTO_MISSED = "rto-missed"  # the last drill's restore took too long
    VERIFICATION_STALE = "verification-stale"  # no drill has proved a backup for too long
    OFFSITE_STALE = "offsite-stale"  # the newest copy at the second place is too old, or there is none
    CATALOGUE_UNKNOWN = "catalogue-unknown"  # the first place does not answer
    OFFSITE_UNKNOWN = "offsite-unknown"  # the second place does not answer
    CATALOGUE_DAMAGED = "catalogue-damaged"  # a manifest or a proof is not what we wrote
    DUMP_OUTGROWN = "dump-outgrown"  # the store is too large for how it is dumped
    WINDOW_OUTGROWN = "window-outgrown"  # its backup takes most of its window, or more


class Severity(StrEnum):
    """``missed``: an objective is; ``warning``: one will be, if nothing changes."""

    MISSED = "missed"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one store, or with the whole catalogue."""

    code: Code
    subject: str
    severity: Severity
    message: str
    remedy: str


@dataclass(frozen=True)
class Standing:
    """How one store's backups stand; what is unknown is None.

    Attributes:
        backup: the id of the newest one, and when it was taken.
        rpo_hours: its age: what would be lost if the store were lost now.
        rto_minutes: what the restore of the last drill took.
        verified_at, verified_days: when that drill was, of whichever backup, and how long ago.
        offsite_taken_at, offsite_hours: when the newest backup was taken that is at the second place too, and its age.
        bytes_in, bytes_stored, duration_s: of the newest backup.
        bytes_per_s: its throughput, of what went in.
        findings: what is wrong.
    """

    store: str
    objectives: Objectives
    backup: str | None = None
    taken_at: datetime | None = None
    verified_at: datetime | None = None
    offsite_taken_at: datetime | None = None
    rpo_hours: float | None = None
    rto_minutes: float | None = None
    verified_days: float | None = None
    offsite_hours: float | None = None
    bytes_in: int | None = None
    bytes_stored: int | None = None
    duration_s: float | None = None
    bytes_per_s: float | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Report:
    """How all stores stand at one moment, and what is wrong with the catalogue as a whole."""

    at: datetime
    standings: tuple[Standing, ...]
    catalogue: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*self.catalogue, *(each for standing in self.standings for each in standing.findings))

    @property
    def unjudged(self) -> frozenset[Code]:
        """The findings that there may be and that cannot be told now, because a place does not answer."""
        away = {each.code for each in self.catalogue}
        if Code.CATALOGUE_UNKNOWN in away:
            return frozenset(Code)
        return frozenset({Code.OFFSITE_STALE}) if Code.OFFSITE_UNKNOWN in away else frozenset()

    @property
    def missed(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity is Severity.MISSED)


def report(services: Sequence[Service], found: Found, copied: Found | None, now: datetime) -> Report:
    """How the backups of ``services`` stand at ``now``; ``copied`` is None where the second place did not answer."""
    standings = tuple(standing(each, found, copied, now) for each in services if each.backup)
    damaged = [*found.damaged, *(copied.damaged if copied else ())]
    wrong = [
        Finding(
            Code.CATALOGUE_DAMAGED,
            key,
            Severity.MISSED,
            f"{key} is not what we wrote",
            "find out who changed it, and put back its older version",
        )
        for key in damaged
    ]
    if copied is None:
        told = "the second place does not answer, so that nobody knows how old the copies are"
        wrong.append(Finding(Code.OFFSITE_UNKNOWN, "offsite", Severity.MISSED, told, "look at `make status`"))
    return Report(now, standings, tuple(wrong))


def blind(reason: str, now: datetime) -> Report:
    """The report where the first place does not answer, for ``reason``."""
    told = f"nobody knows how the backups stand: {reason}"
    remedy = "look at `make status`; while it is away, restore with `--from offsite`"
    return Report(now, (), (Finding(Code.CATALOGUE_UNKNOWN, "catalogue", Severity.MISSED, told, remedy),))


def standing(service: Service, found: Found, copied: Found | None, now: datetime) -> Standing:
    """How the backups of one store stand.

    Raises:
        Misconfigured: the inventory gives it no objectives.
    """
    if service.objectives is None:
        raise Misconfigured("it has no objectives", where=service.name, remedy="declare them in deploy/platform.yaml")
    manifests = found.regular(service.name)
    newest = manifests[-1] if manifests else None
    proofs = [each for each in found.drills_of(service.name) if each.drilled_at <= now + AHEAD]
    copies = copied.regular(service.name) if copied else []
    taken_s = newest.duration_s if newest else 0
    known = Standing(
        store=service.name,
        objectives=service.objectives,
        backup=newest.id if newest else None,
        taken_at=newest.taken_at if newest else None,
        verified_at=proofs[-1].drilled_at if proofs else None,
        offsite_taken_at=copies[-1].taken_at if copies else None,
        rpo_hours=(now - newest.taken_at) / HOUR if newest else None,
        rto_minutes=proofs[-1].restore_s / 60 if proofs else None,
        verified_days=(now - proofs[-1].drilled_at) / DAY if proofs else None,
        offsite_hours=(now - copies[-1].taken_at) / HOUR if copies else None,
        bytes_in=newest.bytes_in if newest else None,
        bytes_stored=newest.bytes_stored if newest else None,
        duration_s=newest.duration_s if newest else None,
        bytes_per_s=newest.bytes_in / taken_s if newest and taken_s else None,
    )
    since = now - manifests[0].taken_at if manifests else timedelta(0)
    missed = _missed(known, since, offsite_answers=copied is not None)
    warned = _warned(known, service, newest) if newest else ()
    return replace(known, findings=(*missed, *warned))


def _missed(known: Standing, since: timedelta, offsite_answers: bool) -> Iterator[Finding]:
    """The objectives that are not kept; ``since`` is how long ago the oldest backup was taken."""
    store, wanted = known.store, known.objectives

    def missed(code: Code, message: str, remedy: str) -> Finding:
        return Finding(code, store, Severity.MISSED, message, remedy)

    now, drill, copy = (f"`enginedge backup {verb} --store {store}`" for verb in ("now", "drill", "copy"))
    if known.rpo_hours is None:
        yield missed(Code.RPO_MISSED, "there is no backup of it", f"run {now}")
    elif known.rpo_hours < -AHEAD / HOUR:
        ahead = f"its newest backup is dated {-known.rpo_hours:.1f} h ahead, so that nobody knows its age"
        yield missed(Code.RPO_MISSED, ahead, f"set the clock right, and run {now}")
    elif known.rpo_hours > wanted.rpo_hours:
        aged = f"its newest backup is {known.rpo_hours:.1f} h old, {wanted.rpo_hours} h at most are allowed"
        yield missed(Code.RPO_MISSED, aged, f"see why the night took none, or run {now}")
    if known.rto_minutes is not None and known.rto_minutes > wanted.rto_minutes:
        took = f"its restore took {known.rto_minutes:.1f} min in the last drill, {wanted.rto_minutes} min are allowed"
        yield missed(Code.RTO_MISSED, took, "find out what slows the restore, or allow for it in deploy/platform.yaml")
    if known.verified_days is None:
        if since > wanted.verified_days * DAY:
            yield missed(Code.VERIFICATION_STALE, "no backup of it was ever proved", f"run {drill}")
    elif known.verified_days > wanted.verified_days:
        aged = f"its last proof is {known.verified_days:.1f} d old, {wanted.verified_days} d at most are allowed"
        yield missed(Code.VERIFICATION_STALE, aged, f"see why the drill failed, or run {drill}")
    if not offsite_answers:
        return
    if known.offsite_hours is None:
        if since > wanted.offsite_hours * HOUR:
            yield missed(Code.OFFSITE_STALE, "no backup of it is off-site", f"run {copy}")
    elif known.offsite_hours < -AHEAD / HOUR:
        ahead = f"its newest copy is dated {-known.offsite_hours:.1f} h ahead, so that nobody knows its age"
        yield missed(Code.OFFSITE_STALE, ahead, f"set the clock right, back it up, and run {copy}")
    elif known.offsite_hours > wanted.offsite_hours:
        aged = f"its newest copy is {known.offsite_hours:.1f} h old, {wanted.offsite_hours} h at most are allowed"
        yield missed(Code.OFFSITE_STALE, aged, f"see why the copying failed, or run {copy}")


def _warned(known: Standing, service: Service, newest: Manifest) -> Iterator[Finding]:
    """What will not do for much longer."""
    for how in sorted({thing.how for thing in service.backup} & MOST_GB.keys()):
        if newest.bytes_in > MOST_GB[how] * 10**9:
            size = f"its {how} has {newest.bytes_in / 10**9:.0f} GB, and is meant for {MOST_GB[how]} GB at most"
            yield Finding(
                Code.DUMP_OUTGROWN, known.store, Severity.WARNING, size, "back it up by a physical copy, or divide it"
            )
    share = newest.duration_s / 60 / known.objectives.window_minutes
    if share > WINDOW_SHARE:
        took = (
            f"its backup took {newest.duration_s / 60:.1f} min, {share:.0%} of its window "
            f"of {known.objectives.window_minutes} min"
        )
        yield Finding(
            Code.WINDOW_OUTGROWN, known.store, Severity.WARNING, took, "widen the window, or find out what slows it"
        )
