"""The backups' numbers for Prometheus, as a file that node_exporter's textfile collector reads.

Moments are told as moments, not as ages, so that an age that Prometheus computes goes on growing when nobody writes the
file any more. Every finding that there can be is told of every store, as 0 or 1, so that an alert ends when its cause
does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from enginedge.backup.objectives import Code, Report, Standing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

FILE = "backup.prom"
PREFIX = "enginedge_backup_"
CATALOGUE = "catalogue"  # what a finding's store is called that is none of one store

#: What is told of each store: the gauge's name, what it says, and the figure; what is unknown is None.
FIGURES: dict[str, tuple[str, Callable[[Standing], float | None]]] = {
    "taken_timestamp_seconds": ("The moment of the newest backup.", lambda s: _moment(s.taken_at)),
    "verified_timestamp_seconds": ("When a drill last proved one.", lambda s: _moment(s.verified_at)),
    "offsite_taken_timestamp_seconds": (
        "The moment of the newest backup that is off-site too.",
        lambda s: _moment(s.offsite_taken_at),
    ),
    "restore_seconds": (
        "What the restore of the last drill took.",
        lambda s: None if s.rto_minutes is None else s.rto_minutes * 60,
    ),
    "duration_seconds": ("What the newest backup took.", lambda s: s.duration_s),
    "read_bytes": ("What the newest backup read.", lambda s: s.bytes_in),
    "stored_bytes": ("What the newest backup added to the repository.", lambda s: s.bytes_stored),
    "throughput_bytes_per_second": ("What the newest backup read a second.", lambda s: s.bytes_per_s),
    "allowed_age_seconds": ("The most that the newest backup may be old.", lambda s: s.objectives.rpo_hours * 3600),
    "allowed_restore_seconds": ("The most that a restore may take.", lambda s: s.objectives.rto_minutes * 60),
    "allowed_verified_age_seconds": (
        "The most that the last proof may be old.",
        lambda s: s.objectives.verified_days * 86_400,
    ),
    "allowed_offsite_age_seconds": (
        "The most that the newest off-site copy may be old.",
        lambda s: s.objectives.offsite_hours * 3600,
    ),
    "allowed_duration_seconds": ("The window of a backup.", lambda s: s.objectives.window_minutes * 60),
}


def registry(report: Report) -> CollectorRegistry:
    """The report's figures as gauges, labelled by store; what is unknown is left out."""
    from prometheus_client import CollectorRegistry, Gauge

    made = CollectorRegistry()
    for name, (says, figure) in FIGURES.items():
        gauge = Gauge(PREFIX + name, says, ["store"], registry=made)
        for each in report.standings:
            if (value := figure(each)) is not None:
                gauge.labels(each.store).set(value)
    finding = Gauge(PREFIX + "finding", "1 where this is wrong, else 0.", ["store", "code"], registry=made)
    for store, found in (*((each.store, each.findings) for each in report.standings), (CATALOGUE, report.catalogue)):
        wrong = {each.code for each in found}
        for code in Code:
            finding.labels(store, code.value).set(code in wrong)
    judged = Gauge(PREFIX + "judged_timestamp_seconds", "When all of this was read and judged.", registry=made)
    judged.set(report.at.timestamp())
    return made


def write(report: Report, folder: Path) -> Path:
    """Replace the file in ``folder`` in one step; it holds no secret, and the collector's user can read it."""
    from prometheus_client import write_to_textfile

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    write_to_textfile(str(path), registry(report))
    path.chmod(0o644)
    return path


def _moment(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
