"""Restoring in earnest: into the running, empty store, or into a folder that its service is then started on.

What comes out is compared with the backup's fingerprint, as a drill does; nothing that is there is ever overwritten.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from enginedge.backup.catalogue import Found, catalogue
from enginedge.backup.drills import compare
from enginedge.backup.locations import Location
from enginedge.backup.operations import chosen
from enginedge.backup.repository import repository
from enginedge.backup.shapes import Manifest
from enginedge.backup.stores import declared_stores


def restore(
    name: str, backup: str = "", folder: Path | None = None, location: Location = Location.PRIMARY
) -> dict[str, Any]:
    """Restore the newest backup of the store ``name`` at ``location``, or ``backup``.

    Raises:
        Misconfigured: the target is not empty, or a folder is needed and not given.
        Violated: what was restored is not what was dumped.
    """
    (store,) = declared_stores([name])
    manifest = chosen(catalogue(location).read(name), name, backup)
    target = store.target(folder)
    began = time.monotonic()
    store.source.restore(manifest.dumped, repository(location), target)
    took = time.monotonic() - began
    compared = compare(store, manifest, target) if store.answers else 0
    where = str(getattr(target, "where", target))
    return {"store": name, "backup": manifest.id, "target": where, "restore_s": round(took, 3), "parts": compared}


def foretold(found: Found, manifest: Manifest) -> str:
    """How long a restore will take, as far as drills have shown, and how to undo it."""
    proof = found.verified(manifest)
    took = f"about {proof.restore_s:.0f} s, as its last drill did" if proof else "unknown: no drill has proved it"
    return (
        f"It will take {took}. Only an empty target is restored into, so that nothing is overwritten; to undo it, "
        f"empty the target again."
    )
