"""Users, as the platform keeps them in MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from enginedge.sample import records as shared
from enginedge.sample import vocabulary
from enginedge.sample.night import Night
from enginedge.sample.records import Record, Revision
from enginedge.sample.skew import favourite

TABLE = "users"


def user(night: Night, index: int) -> Record:
    """One user as he signed up."""
    chance = night.stream(TABLE, index)
    created, updated = shared.lived(night, chance, minutes=30)
    key = night.identifier(TABLE, index)
    return {
        "_id": key,
        "email": f"{key[2:10]}@{chance.choice(('example.com', 'example.org', 'mail.example.net'))}",
        "full_name": vocabulary.full_name(chance),
        "plan": chance.choice(vocabulary.PLANS),
        "country": favourite(chance, vocabulary.COUNTRIES),
        "created_at": created,
        "updated_at": updated,
    }


def _strange_name(record: Record, chance: Random) -> None:
    record["full_name"] = vocabulary.strange(chance)


SPOILS: dict[str, shared.Spoil] = {
    "late": shared.imported_late,
    "wrong_type": shared.put("created_at", "yesterday", "n/a"),
    "missing": shared.put("email", None),
    "out_of_range": shared.put("country", "Germany", ""),
    "spelling": shared.put("country", "de", " US "),
    "unknown_field": shared.unknown_field,
    "unicode": _strange_name,
    "skewed_clock": shared.created_ahead,
    "deleted": shared.soft_deleted,
    "null": shared.put("full_name", None),
}


def records(night: Night) -> Iterator[Record]:
    """The users who signed up in the night."""
    for index in range(night.count(TABLE)):
        yield shared.spoiled(night, TABLE, index, user(night, index), SPOILS)


def revised(night: Night) -> Iterator[Revision]:
    """Plans changed and accounts closed in the night."""
    for target in shared.targets(night, TABLE):
        changed: Record = (
            {"deleted_at": target.at} if target.deletes else {"plan": target.chance.choice(vocabulary.PLANS)}
        )
        yield Revision(target.origin.identifier(TABLE, target.index), target.at, changed)
