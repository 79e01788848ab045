"""What the command line and the DAGs both do, each with nothing but names and plain values going in and out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from enginedge.backup import copying, lake_drill, night, proving, status
from enginedge.backup.catalogue import Found, catalogue
from enginedge.backup.drills import drill, one_older
from enginedge.backup.locations import Location
from enginedge.backup.objectives import AHEAD
from enginedge.backup.pairs import LAKE, chosen_pair
from enginedge.backup.repository import repository
from enginedge.backup.shapes import DrillReport, Manifest
from enginedge.backup.stores import declared_stores, store_names
from enginedge.errors import Misconfigured, Violated


def stores_to_back_up(pointed_at: bool) -> list[str]:
    """The stores that others point at (the metastore's tables are files in a bucket), or those that do not have to
    wait for anything."""
    return [name for name in store_names() if (name in night.POINTED_AT) is pointed_at]


def back_up_store(name: str) -> dict[str, Any]:
    """Back one store up, and return the row that ``enginedge backup list`` shows of it."""
    (store,) = declared_stores([name])
    night.prepare(repository(), catalogue())
    return row(night.back_up(store, repository(), catalogue()), None)


def copy_store(name: str) -> list[dict[str, Any]]:
    """Copy one store's backups off-site, and return a row of each that was not there yet.

    Raises:
        Violated: something here is damaged, and did not arrive.
        Unavailable: one of the two places does not answer.
    """
    outcomes = copying.copy([name])
    for each in outcomes:
        if each.failure:
            raise each.failure
    return [each.row for each in outcomes]


def account_copies() -> list[dict[str, Any]]:
    """The newest backup of each store, all of which are off-site.

    Raises:
        Violated: names the stores whose newest backup is not.
    """
    found, copied = catalogue().read(), catalogue(Location.OFFSITE).read()
    there = {each.id for each in copied.manifests}
    newest = [found.regular(name)[-1] for name in store_names() if found.regular(name)]
    if lacking := [f"{each.store} ({each.id})" for each in newest if each.id not in there]:
        raise Violated(
            f"the newest backup is not off-site of {', '.join(lacking)}",
            where="the off-site catalogue",
            untouched="the older copies",
            remedy="read the log of each store's task, mend the cause, and clear the task, or `enginedge backup copy`",
        )
    return [row(each, copied.verified(each)) for each in newest]


def drill_store(
    name: str, backup: str = "", location: Location = Location.PRIMARY, older: bool = False
) -> dict[str, Any]:
    """Prove one store's newest backup at ``location``, or ``backup``, or an older one at random; write the proof there.

    Raises:
        Violated: the restored copy is not what was dumped.
        Misconfigured: there is no such backup.
    """
    (store,) = declared_stores([name])
    found = catalogue(location).read(name)
    manifest = one_older(found.regular(name), name) if older else chosen(found, name, backup)
    report = drill(store, manifest, repository(location))
    catalogue(location).record(report)
    return _reported(report)


def drill_older_in_turn(day: date) -> dict[str, Any]:
    """Prove an older backup, at random, of the one store whose turn it is in the week of ``day``; each has its turn.

    A store with one backup only has none, which is said and is no failure.

    Raises:
        Violated: the restored copy is not what was dumped.
    """
    names = store_names()
    name = names[day.toordinal() // 7 % len(names)]
    if not catalogue().read(name).older(name):
        return {"store": name, "manifest": None, "why": "it has no older backup yet"}
    return drill_store(name, older=True)


def drill_lake(backup: str = "", buckets: str = "", location: Location = Location.PRIMARY) -> dict[str, Any]:
    """Prove that the newest backups of the metastore's database and of the buckets at ``location`` are one lake, or the
    ones called ``backup`` and ``buckets``, and write the proof down there.

    Raises:
        Violated: a table is missing, cannot be read or differs.
        Misconfigured: there is no such pair.
    """
    pair = chosen_pair(catalogue(location).read(), backup, buckets)
    naming, holding = declared_stores([pair.naming.store, pair.holding.store])
    report = lake_drill.drill(pair, repository(location), naming, holding)
    catalogue(location).record(report)
    return _reported(report)


def _reported(report: DrillReport) -> dict[str, Any]:
    row = asdict(report)
    told = row.pop("told")
    return {**row, **told}


def account(since: datetime) -> list[dict[str, Any]]:
    """The newest backup of each store, all of them taken at or after ``since``: what a night must have left behind.

    Raises:
        Violated: names the stores that have none.
    """
    found = catalogue().read()
    tonight = found.last_taken(since, datetime.now(UTC) + AHEAD)
    if missing := [name for name in store_names() if name not in tonight]:
        raise Violated(
            f"there is no backup of {', '.join(missing)} since {since:%Y-%m-%d %H:%M} UTC",
            where="the backup catalogue",
            untouched="the backups of the other stores",
            remedy="read the log of each store's task, mend the cause, and clear the task, or `enginedge backup now`",
        )
    return [row(each, found.verified(each)) for each in tonight.values()]


def account_drills(since: datetime) -> list[dict[str, Any]]:
    """The last drill of each store and of the lake, all of them made at or after ``since``: what a round of drills must
    leave behind.

    Raises:
        Violated: names the stores that were not proved.
    """
    found = catalogue().read()
    proved = {each.store: each for each in found.drills if since <= each.drilled_at <= datetime.now(UTC) + AHEAD}
    if unproved := [name for name in (*store_names(), LAKE) if name not in proved]:
        raise Violated(
            f"no backup was proved of {', '.join(unproved)} since {since:%Y-%m-%d %H:%M} UTC",
            where="the backup catalogue",
            untouched="the backups",
            remedy="read the log of each store's task; what was Unavailable may be cleared, what was Violated may not",
        )
    return [asdict(each) for each in proved.values()]


def write_metrics() -> list[str]:
    """Bring the numbers for Prometheus up to date, and return what is wrong, a word a finding."""
    found = status.status()
    status.write_metrics(found)
    return [f"{each.subject}: {each.code}" for each in found.findings]


def chosen(found: Found, store: str, backup: str = "") -> Manifest:
    """The newest backup of ``store``, or the one called ``backup``. What a restore has kept of what it replaced is
    not chosen by itself: a restore that broke off would be repeated from it.

    Raises:
        Misconfigured: there is none.
    """
    if backup:
        return found.manifest(backup, store)
    if not (there := found.regular(store) or found.of(store)):
        raise Misconfigured("it has no backup", where=store, remedy=f"run `enginedge backup now --store {store}`")
    return there[-1]


def row(manifest: Manifest, proof: DrillReport | None) -> dict[str, Any]:
    """One backup as a row: what, when, how large, how sure."""
    return {
        "id": manifest.id,
        "store": manifest.store,
        "taken_at": manifest.taken_at.isoformat(timespec="seconds"),
        "age_h": round((datetime.now(UTC) - manifest.taken_at).total_seconds() / 3600, 1),
        "bytes_in": manifest.bytes_in,
        "bytes_stored": manifest.bytes_stored,
        "duration_s": manifest.duration_s,
        "consistency": manifest.dumped.consistency,
        "note": "what a restore replaced" if manifest.safety else None,
        "verified_at": proof.drilled_at.isoformat(timespec="seconds") if proof else None,
        "restore_s": proof.restore_s if proof else None,
    }


def proof_row(proof: proving.Proof) -> dict[str, Any]:
    """How one store stands as a row: its newest backup, and the drill that proved it."""
    manifest, report = proof.manifest, proof.report
    return {
        "store": proof.store,
        "backup": manifest.id if manifest else None,
        "bytes_in": manifest.bytes_in if manifest else None,
        "bytes_stored": manifest.bytes_stored if manifest else None,
        "backup_s": manifest.duration_s if manifest else None,
        "restore_s": report.restore_s if report else None,
        "parts": report.parts if report else None,
        "proved": bool(report),
    }
