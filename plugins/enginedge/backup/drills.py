"""The drill: a backup is restored into scratch, and what came out is compared with what went in.

Only this makes a backup count. It restores what the repository gives back, not what was sent there, and it compares
with the fingerprint of the dumped moment, not with the store as it is now.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from enginedge.backup import night
from enginedge.backup.shapes import DrillReport, Manifest, Repository
from enginedge.backup.stores import Store
from enginedge.errors import EnginEdgeError, Misconfigured, Violated

MOST_TOLD = 10
ANY = Random()


def drill(store: Store, manifest: Manifest, repository: Repository) -> DrillReport:
    """Restore ``manifest``'s backup into scratch and compare it.

    Raises:
        Violated: the copy differs; names the parts. Or it does not do what its users would ask of it first.
        Misconfigured: a tool is missing.
        Unavailable: it could not be restored, or backups are being given up.
    """
    began = time.monotonic()
    with night.reading(store.name), store.scratch() as target:
        empty = time.monotonic()
        store.source.restore(manifest.dumped, repository, target)
        restored = time.monotonic()
        parts = compare(store, manifest, target)
        asked = ask(store, target)
    return DrillReport(
        store=store.name,
        manifest=manifest.id,
        drilled_at=datetime.now(UTC),
        restore_s=round(restored - empty, 3),
        drill_s=round(time.monotonic() - began, 3),
        parts=parts,
        told={"asked": asked},
    )


def one_older(manifests: Sequence[Manifest], store: str, chance: Random = ANY) -> Manifest:
    """One of the ``manifests`` of ``store``, oldest first, but not the newest: each is as likely as any other.

    Raises:
        Misconfigured: there is none.
    """
    if len(manifests) < 2:
        raise Misconfigured("it has no older backup", where=store, remedy="drill the newest one")
    return chance.choice(manifests[:-1])


def compare(store: Store, manifest: Manifest, target: Any) -> int:
    """Compare a restored ``target`` with ``manifest``, and return how many parts were compared.

    Raises:
        Violated: the copy differs; names the parts.
    """
    wanted = manifest.dumped.fingerprint
    refuse_differences(
        wanted.differences(store.source.fingerprint(target)), where=f"{store.name}, backup {manifest.id}"
    )
    return len(wanted.parts) + len(wanted.at_least)


def ask(store: Store, target: Any) -> list[str]:
    """Ask a restored ``target`` the store's first questions, and return them, all answered as they should be.

    Raises:
        Violated: it is not up to one of them; says which.
    """
    try:
        return store.smoke(target)
    except Misconfigured:
        raise
    except EnginEdgeError as failure:
        raise Violated(
            f"the restored copy is what was dumped, and does not work: {failure.what}",
            where=store.name,
            untouched="the backup",
            remedy="read why, then back the store up again and drill that",
        ) from failure


def refuse_differences(differences: list[str], where: str) -> None:
    """Return when there is none.

    Raises:
        Violated: names them.
    """
    if differences:
        raise Violated(
            f"the restored copy is not what was dumped: {told(differences)}",
            where=where,
            untouched="the backup",
            remedy="drill an older backup to find the last good one, then find out what spoilt this one",
        )


def told(differences: list[str]) -> str:
    """The first of ``differences`` as one sentence, and how many more there are."""
    more = f"; and {len(differences) - MOST_TOLD} more" if len(differences) > MOST_TOLD else ""
    return "; ".join(differences[:MOST_TOLD]) + more
