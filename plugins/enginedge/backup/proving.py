"""Back up what has no proved backup of late, and prove it: what the main job ends with, and safe to repeat.

A store whose newest backup is recent enough is not backed up again, and one that a drill has proved is not drilled
again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from enginedge.backup import night
from enginedge.backup.catalogue import Found, catalogue
from enginedge.backup.drills import drill
from enginedge.backup.repository import repository
from enginedge.backup.shapes import DrillReport, Manifest
from enginedge.backup.stores import Store, declared_stores
from enginedge.errors import EnginEdgeError


@dataclass(frozen=True)
class Proof:
    """How one store stands: its newest backup and the drill that proved it, or what went wrong."""

    store: str
    manifest: Manifest | None = None
    report: DrillReport | None = None
    failure: EnginEdgeError | None = None

    def __str__(self) -> str:
        if self.failure:
            return f"{self.store}: {type(self.failure).__name__}: {self.failure}"
        if self.report:
            return f"{self.store}: proved, {self.report.parts} parts restored in {self.report.restore_s:.1f} s"
        if self.manifest:
            return f"{self.store}: backed up, {self.manifest.bytes_in:,} bytes in {self.manifest.duration_s:.1f} s"
        return f"{self.store}: not backed up"


def prove(names: Sequence[str], since: datetime, say: Callable[[Proof], None] = lambda _: None) -> list[Proof]:
    """A backup of each store that was taken at or after ``since``, and its proof; one store's failure stops no other's.

    Raises:
        Misconfigured: there is no such store, or the repository cannot be opened.
        Unavailable: the repository does not answer.
        Violated: the repository is gone.
    """
    stores = declared_stores(names)
    night.prepare(repository(), catalogue())
    found = catalogue().read()
    taken = found.last_taken(since, datetime.now(UTC))
    lacking = [each for each in stores if each.name not in taken]
    outcomes = night.back_up_all(
        lacking, repository(), catalogue(), lambda each: say(Proof(each.store, each.manifest, failure=each.failure))
    )
    taken |= {each.store: each.manifest for each in outcomes if each.manifest}
    failed = {each.store: Proof(each.store, failure=each.failure) for each in outcomes if each.failure}
    return [failed.get(each.name) or _proof(each, taken[each.name], found, say) for each in stores]


def _proof(store: Store, manifest: Manifest, found: Found, say: Callable[[Proof], None]) -> Proof:
    try:
        report = found.verified(manifest)
        if report is None:
            report = drill(store, manifest, repository())
            catalogue().record(report)
        proof = Proof(store.name, manifest, report)
    except EnginEdgeError as failure:
        proof = Proof(store.name, manifest, failure=failure)
    say(proof)
    return proof
