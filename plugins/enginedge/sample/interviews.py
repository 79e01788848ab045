"""Interviews that users apply for and go through, as the platform keeps them in MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from enginedge.sample import records as shared
from enginedge.sample import vocabulary
from enginedge.sample.night import Night
from enginedge.sample.records import Record, Revision
from enginedge.sample.skew import favourite

TABLE = "interviews"
STAGES = ("applied", "screening", "technical", "onsite", "offer", "hired", "rejected", "withdrawn")
FIRST_STAGE = (60, 18, 8, 3, 1, 1, 6, 3)
LATER_STAGE = (2, 24, 22, 12, 8, 6, 20, 6)
SCORED = frozenset({"technical", "onsite", "offer", "hired", "rejected"})


def _stage(chance: Random, weights: tuple[int, ...], at: datetime) -> Record:
    (stage,) = chance.choices(STAGES, weights)
    moved: Record = {"stage": stage, "stage_changed_at": at}
    if stage in SCORED:
        moved["score"] = round(min(100.0, max(0.0, chance.gauss(62, 18))), 1)
    if stage in ("screening", "technical", "onsite"):
        moved["scheduled_at"] = at + timedelta(hours=chance.randint(12, 240))
    return moved


def interview(night: Night, index: int) -> Record:
    """One interview as it was entered."""
    chance = night.stream(TABLE, index)
    created, updated = shared.lived(night, chance, minutes=60)
    return {
        "_id": night.identifier(TABLE, index),
        "user_id": shared.reference(night, "users", chance),
        "role_title": favourite(chance, vocabulary.ROLES),
        "company": favourite(chance, vocabulary.COMPANIES),
        **_stage(chance, FIRST_STAGE, updated),
        "notes": vocabulary.paragraph(chance, 1 + int(chance.random() * 3)),
        "created_at": created,
        "updated_at": updated,
    }


def _strange_notes(record: Record, chance: Random) -> None:
    record["notes"] += " " + vocabulary.strange(chance)


SPOILS: dict[str, shared.Spoil] = {
    "late": shared.imported_late,
    "wrong_type": shared.put("score", "excellent", "n/a"),
    "missing": shared.put("user_id", None),
    "out_of_range": shared.put("score", 140.0, -1.0),
    "unknown_value": shared.put("stage", "ghosted", ""),
    "spelling": shared.put("stage", "Applied ", "SCREENING"),
    "unknown_field": shared.unknown_field,
    "unicode": _strange_notes,
    "skewed_clock": shared.created_ahead,
    "deleted": shared.soft_deleted,
    "null": shared.put("notes", None),
}


def records(night: Night) -> Iterator[Record]:
    """The interviews that were entered in the night."""
    for index in range(night.count(TABLE)):
        yield shared.spoiled(night, TABLE, index, interview(night, index), SPOILS)


def revised(night: Night) -> Iterator[Revision]:
    """Interviews that moved on to another stage, or were deleted, in the night."""
    for target in shared.targets(night, TABLE):
        moved = _stage(target.chance, LATER_STAGE, target.at)
        yield Revision(
            target.origin.identifier(TABLE, target.index),
            target.at,
            {"deleted_at": target.at} if target.deletes else moved,
        )
