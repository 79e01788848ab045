"""How the backups of all stores stand now: read from the two catalogues, judged by :mod:`enginedge.backup.objectives`,
and told as rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from enginedge.backup import metrics
from enginedge.backup.catalogue import catalogue, copied
from enginedge.backup.objectives import Report, Standing, blind, report
from enginedge.backup.stores import backed_up
from enginedge.errors import EnginEdgeError, Misconfigured, Violated, full_disks_named
from enginedge.settings import settings

UNKNOWN = "—"
COLUMNS = ("store", "lost if lost now", "restore", "proved", "off-site", "MB in", "MB stored", "MB/s", "wrong")


def status(names: Sequence[str] = (), now: datetime | None = None) -> Report:
    """How the backups of the stores ``names``, or of all, stand at ``now``; a place that does not answer is a finding.

    Raises:
        Misconfigured: no store of that name is backed up.
    """
    services = backed_up(names)
    at = now or datetime.now(UTC)
    try:
        found = catalogue().read()
    except EnginEdgeError as failure:
        return blind(failure.what, at)
    return report(services, found, copied(), at)


def write_metrics(found: Report) -> None:
    """Replace the file that Prometheus' collector reads.

    Raises:
        Unavailable: the disk is full.
        Misconfigured: the folder cannot be written to.
    """
    folder = settings().metrics
    try:
        with full_disks_named():
            metrics.write(found, folder)
    except OSError as error:
        raise Misconfigured(
            f"the numbers cannot be written ({error.strerror})", where=str(folder), remedy="set ENGINEDGE_METRICS"
        ) from error


def refuse_missed(found: Report) -> None:
    """Return when every objective is kept.

    Raises:
        Violated: names the stores and what they miss.
    """
    if found.missed:
        told = ", ".join(f"{each.subject} ({each.code})" for each in found.missed)
        raise Violated(
            f"the backups miss their objectives: {told}",
            where="the backup catalogue",
            untouched="the backups there are",
            remedy="`enginedge backup status` says of each what to do",
        )


def as_json(found: Report) -> dict[str, Any]:
    """The report as plain values: ``at``, a row a store with its objectives under ``allowed``, and all findings."""
    stores = []
    for each in found.standings:
        figures = {name: _plain(value) for name, value in vars(each).items() if name not in ("objectives", "findings")}
        codes = [finding.code.value for finding in each.findings]
        stores.append({**figures, "allowed": each.objectives.model_dump(), "findings": codes})
    return {
        "at": found.at.isoformat(timespec="seconds"),
        "stores": stores,
        "findings": [asdict(each) for each in found.findings],
    }


def as_cells(each: Standing) -> dict[str, str]:
    """One store as a row for people: each figure of that which is allowed, sizes in MB."""
    allowed = each.objectives
    return {
        "store": each.store,
        "lost if lost now": f"{_told(each.rpo_hours)} of {allowed.rpo_hours} h",
        "restore": f"{_told(each.rto_minutes)} of {allowed.rto_minutes} min",
        "proved": f"{_told(each.verified_days)} of {allowed.verified_days} d ago",
        "off-site": f"{_told(each.offsite_hours)} of {allowed.offsite_hours} h",
        "MB in": _told(each.bytes_in and each.bytes_in / 10**6),
        "MB stored": _told(each.bytes_stored and each.bytes_stored / 10**6),
        "MB/s": _told(each.bytes_per_s and each.bytes_per_s / 10**6),
        "wrong": ", ".join(finding.code for finding in each.findings),
    }


def _told(figure: float | None) -> str:
    return UNKNOWN if figure is None else f"{figure:.1f}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return round(value, 3) if isinstance(value, float) else value
