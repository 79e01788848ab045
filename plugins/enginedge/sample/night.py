"""A night of the sample: how many records it has, their names, and the streams of chance they are drawn from.

Every record has a stream of its own, named by seed, date, scale, table and index. So one record can be made without the
others: that is how a later night finds the identifiers of an earlier one without reading any store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from random import Random

from enginedge.sample.skew import HOURLY_LOAD, zipf

AT_SCALE_ONE = {
    "users": 200,
    "interviews": 600,
    "resumes": 300,
    "conversations": 1_500,
    "schedules": 600,
    "events": 20_000,
    "articles": 800,
    "documents": 100,
}
AT_LEAST = 24  # so that every kind of dirt has a place, however small the scale
WEEKEND = 0.6  # of a weekday's load
DAYS_LOOKED_BACK = 7
PREFIX = {"users": "u", "interviews": "i", "resumes": "r", "conversations": "c", "schedules": "s", "articles": "a"}
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Night:
    """One UTC day of the sample; equal nights have equal content, byte for byte."""

    seed: int
    date: date
    scale: float

    @cached_property
    def start(self) -> datetime:
        return datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)

    @cached_property
    def end(self) -> datetime:
        """The first moment that belongs to the next night."""
        return self.start + timedelta(days=1)

    @cached_property
    def _name(self) -> str:
        return f"{self.seed}|{self.date.isoformat()}|{float(self.scale)!r}"

    def stream(self, *of: object) -> Random:
        """A stream of chance for ``of`` (a table, an index, a purpose); the same each time it is asked for."""
        return Random("|".join([self._name, *map(str, of)]))

    def count(self, table: str) -> int:
        """How many records of ``table`` the night has, without its revisions of earlier nights' records."""
        day = WEEKEND if self.date.weekday() >= 5 else 1.0
        return max(AT_LEAST, round(AT_SCALE_ONE[table] * self.scale * day))

    def identifier(self, table: str, index: int) -> str:
        """The key of the record ``index`` of ``table``, such as ``u-5f0c…``."""
        return f"{PREFIX[table]}-{self._hex(table, index)}"

    def nobody(self, table: str, index: int) -> str:
        """A key that looks like one of ``table`` and belongs to no record of any night."""
        return f"{PREFIX[table]}-{self._hex('nobody', table, index)}"

    def _hex(self, *of: object) -> str:
        return blake2b("|".join([self._name, *map(str, of)]).encode(), digest_size=8).hexdigest()

    def moment(self, chance: Random) -> datetime:
        """A moment of the night to the millisecond, more often at busy hours."""
        (hour,) = chance.choices(range(24), HOURLY_LOAD)
        return self.start + timedelta(hours=hour, milliseconds=chance.randrange(3_600_000))

    def soon_after(self, moment: datetime, chance: Random, minutes: float) -> datetime:
        """A moment after ``moment``, on average by ``minutes``, and still in the night."""
        gap = timedelta(milliseconds=1 + int(chance.expovariate(1 / (minutes * 60_000))))
        return min(moment + gap, self.end - MILLISECOND)

    def before(self, days: int) -> Night:
        """The night ``days`` days earlier."""
        return Night(self.seed, self.date - timedelta(days=days), self.scale)

    def earlier(self, chance: Random) -> Night:
        """One of the week's nights before this one, more often a near one."""
        return self.before(1 + zipf(chance, DAYS_LOOKED_BACK))
