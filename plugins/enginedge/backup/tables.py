"""The backups and the drills as rows of ``ops.backups`` and ``ops.drills``, for whoever asks in SQL.

The catalogues are what is true; the tables are replaced by what stands there, and are one command behind at most.
"""

from __future__ import annotations

from typing import Any

from enginedge import ops_tables
from enginedge.backup.catalogue import Found, catalogue, copied
from enginedge.backup.locations import Location


def publish() -> dict[str, int]:
    """Replace both tables, each in one commit, and return how many rows each has.

    Raises:
        Unavailable: the catalogue or Trino does not answer; the tables are as they were.
    """
    found = catalogue().read()
    there = copied()
    return {
        ops_tables.BACKUPS.name: ops_tables.replace(ops_tables.BACKUPS, backups(found, there)),
        ops_tables.DRILLS.name: ops_tables.replace(ops_tables.DRILLS, drills(found, there)),
    }


def backups(found: Found, copies: Found | None) -> list[list[Any]]:
    """A row a backup; ``copies`` is None where the second place does not answer."""
    there = None if copies is None else {each.id for each in copies.manifests}
    rows = []
    for each in found.manifests:
        proof = found.verified(each)
        rows.append(
            [
                each.store,
                each.id,
                each.taken_at,
                each.duration_s,
                each.bytes_in,
                each.bytes_stored,
                each.dumped.consistency,
                None if there is None else each.id in there,
                proof.drilled_at if proof else None,
                proof.restore_s if proof else None,
            ]
        )
    return rows


def drills(found: Found, copies: Found | None) -> list[list[Any]]:
    """A row a drill, at either place."""
    places = [(Location.PRIMARY, found)] + ([(Location.OFFSITE, copies)] if copies else [])
    return [
        [each.store, each.manifest, place.value, each.drilled_at, each.restore_s, each.drill_s, each.parts]
        for place, known in places
        for each in known.drills
    ]
