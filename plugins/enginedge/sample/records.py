"""What a generated record and a revision of one are, and what every table's records have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, TypeVar

from enginedge.sample.night import Night
from enginedge.sample.rates import DANGLING, DELETING, FROM_EARLIER, dirt, revisions
from enginedge.sample.skew import zipf

Record = dict[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Revision:
    """A change that a night makes to a record of an earlier one: it takes effect only where the record exists."""

    key: str
    at: datetime
    changed: Record


@dataclass(frozen=True)
class Target:
    """The record of an earlier night that a revision is about, and when it happens."""

    origin: Night
    index: int
    at: datetime
    deletes: bool
    chance: Random


def targets(night: Night, table: str) -> Iterator[Target]:
    """Whom the night revises, in the order of time."""
    chance = night.stream(table, "revisions")
    moments = sorted(night.moment(chance) for _ in range(revisions(night, table)))
    for order, at in enumerate(moments):
        own = night.stream(table, "revision", order)
        origin = night.earlier(own)
        index = own.randrange(origin.count(table))
        yield Target(origin, index, at, deletes=own.random() < DELETING, chance=own)


def reference(night: Night, table: str, chance: Random) -> str:
    """The key of a record of ``table``: popular ones often, one of an earlier night at times, a dangling one rarely."""
    draw = chance.random()
    if draw < DANGLING:
        return night.nobody(table, zipf(chance, 1_000))
    origin = night.earlier(chance) if draw < DANGLING + FROM_EARLIER else night
    return origin.identifier(table, zipf(chance, origin.count(table)))


def lived(night: Night, chance: Random, minutes: float) -> tuple[datetime, datetime]:
    """When a record was made and when it was last changed, both in the night."""
    created = night.moment(chance)
    return created, night.soon_after(created, chance, minutes)


def days_earlier(moment: datetime, chance: Random) -> datetime:
    """``moment`` moved into one of the three nights before."""
    return moment - timedelta(days=chance.randint(1, 3))


def minutes_ahead(moment: datetime, chance: Random) -> datetime:
    """``moment`` as a clock that runs fast would tell it."""
    return moment + timedelta(seconds=chance.randint(60, 900))


def iso(moment: datetime) -> str:
    """ISO-8601 in UTC to the millisecond: ``2026-11-23T08:15:00.123Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Spoil = Callable[[Record, Random], None]


def spoiled(night: Night, table: str, index: int, record: Record, spoils: Mapping[str, Spoil]) -> Record:
    """``record`` with the dirt that the rates have in store for it, if any."""
    kind = dirt(night, table).get(index)
    if kind is not None:
        spoils[kind](record, night.stream(table, index, kind))
    return record


def put(field: str, *values: Any) -> Spoil:
    """The dirt that writes one of ``values`` into ``field``."""

    def spoil(record: Record, chance: Random) -> None:
        record[field] = chance.choice(values)

    return spoil


def as_text(field: str) -> Spoil:
    """The dirt that writes a number as text: odd, yet what it means is plain."""

    def spoil(record: Record, _: Random) -> None:
        record[field] = str(record[field])

    return spoil


def unknown_field(record: Record, chance: Random) -> None:
    """A field that no contract knows, nested, as a new release of a service would add it."""
    record["experiment"] = {"name": "blue-button", "arms": ["a", "b"], "share": round(chance.random(), 3), "note": None}


def created_ahead(record: Record, chance: Random) -> None:
    """Made, by its own clock, after it was last changed."""
    record["created_at"] = minutes_ahead(record["updated_at"], chance)


def imported_late(record: Record, chance: Random) -> None:
    """Made in an earlier night, and seen for the first time in this one."""
    record["created_at"] = days_earlier(record["created_at"], chance)


def soft_deleted(record: Record, _: Random) -> None:
    """Deleted in the night that it was made in; the last change is the deletion."""
    record["deleted_at"] = record["updated_at"]


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """``items`` in lists of ``size``, the last one shorter; one list is in memory at a time."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
