"""Schedules, as the platform keeps them in PostgreSQL: dirty only where the types of the columns let them be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from enginedge.sample import records as shared
from enginedge.sample import vocabulary
from enginedge.sample.night import Night
from enginedge.sample.records import Record, Revision
from enginedge.sample.skew import favourite

TABLE = "schedules"
KINDS = ("interview", "reminder", "review")
STATES = ("planned", "confirmed", "cancelled", "done")


def schedule(night: Night, index: int) -> Record:
    """One appointment as it was planned."""
    chance = night.stream(TABLE, index)
    created, updated = shared.lived(night, chance, minutes=45)
    starts = updated.replace(second=0, microsecond=0) + timedelta(minutes=15 * chance.randint(1, 1_000))
    return {
        "schedule_id": night.identifier(TABLE, index),
        "user_id": shared.reference(night, "users", chance),
        "interview_id": shared.reference(night, "interviews", chance),
        "kind": favourite(chance, KINDS),
        "starts_at": starts,
        "ends_at": starts + timedelta(minutes=15 * chance.randint(1, 8)),
        "timezone": favourite(chance, vocabulary.ZONES),
        "state": chance.choices(STATES, (70, 20, 7, 3))[0],
        "created_at": created,
        "updated_at": updated,
        "deleted_at": None,
    }


def _ends_before_start(record: Record, chance: Random) -> None:
    record["ends_at"] = record["starts_at"] - timedelta(minutes=chance.randint(1, 600))


SPOILS: dict[str, shared.Spoil] = {
    "late": shared.imported_late,
    "ends_before_start": _ends_before_start,
    "unknown_zone": shared.put("timezone", "Mars/Olympus_Mons", "CET or so"),
    "missing": shared.put("user_id", ""),
    "unknown_value": shared.put("state", "maybe", "?"),
    "spelling": shared.put("state", "PLANNED", " done "),
    "unicode": shared.put("interview_id", *vocabulary.STRANGE),
    "skewed_clock": shared.created_ahead,
    "deleted": shared.soft_deleted,
    "null": shared.put("interview_id", None),
}


def records(night: Night) -> Iterator[Record]:
    """The appointments that were planned in the night."""
    for index in range(night.count(TABLE)):
        yield shared.spoiled(night, TABLE, index, schedule(night, index), SPOILS)


def revised(night: Night) -> Iterator[Revision]:
    """Earlier appointments that were confirmed, called off, done or deleted in the night."""
    for target in shared.targets(night, TABLE):
        changed: Record = {"deleted_at": target.at} if target.deletes else {"state": target.chance.choice(STATES[1:])}
        yield Revision(target.origin.identifier(TABLE, target.index), target.at, changed)
