"""Resumes: what the platform knows about them, kept in MongoDB. The documents themselves are in the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from enginedge.sample import records as shared
from enginedge.sample import vocabulary
from enginedge.sample.night import Night
from enginedge.sample.records import Record, Revision
from enginedge.sample.skew import favourite

TABLE = "resumes"


def document_key(night: Night, resume_id: str) -> str:
    """Where in the bucket a document of the night lies."""
    return f"resumes/dt={night.date.isoformat()}/{resume_id}.md"


def resume(night: Night, index: int) -> Record:
    """One resume as it was uploaded; the first ones of a night have a document, the others were typed in."""
    chance = night.stream(TABLE, index)
    created, updated = shared.lived(night, chance, minutes=20)
    key = night.identifier(TABLE, index)
    return {
        "_id": key,
        "user_id": shared.reference(night, "users", chance),
        "headline": f"{favourite(chance, vocabulary.ROLES)}, {favourite(chance, vocabulary.COMPANIES)}",
        "skills": sorted({favourite(chance, vocabulary.SKILLS) for _ in range(chance.randint(1, 9))}),
        "years_experience": min(45, int(chance.expovariate(1 / 7))),
        "document_key": document_key(night, key) if index < night.count("documents") else None,
        "created_at": created,
        "updated_at": updated,
    }


def _strange_headline(record: Record, chance: Random) -> None:
    record["headline"] = vocabulary.strange(chance)


SPOILS: dict[str, shared.Spoil] = {
    "late": shared.imported_late,
    "wrong_type": shared.put("years_experience", "ten", "3-5"),
    "missing": shared.put("user_id", None),
    "out_of_range": shared.put("years_experience", -1, 700),
    "number_as_text": shared.as_text("years_experience"),
    "unknown_field": shared.unknown_field,
    "unicode": _strange_headline,
    "skewed_clock": shared.created_ahead,
    "deleted": shared.soft_deleted,
    "null": shared.put("headline", None),
}


def records(night: Night) -> Iterator[Record]:
    """The resumes that were uploaded in the night."""
    for index in range(night.count(TABLE)):
        yield shared.spoiled(night, TABLE, index, resume(night, index), SPOILS)


def revised(night: Night) -> Iterator[Revision]:
    """Resumes that were edited or deleted in the night."""
    for target in shared.targets(night, TABLE):
        edited = {
            "headline": f"Senior {favourite(target.chance, vocabulary.ROLES)}",
            "years_experience": min(45, 1 + int(target.chance.expovariate(1 / 7))),
        }
        yield Revision(
            target.origin.identifier(TABLE, target.index),
            target.at,
            {"deleted_at": target.at} if target.deletes else edited,
        )
