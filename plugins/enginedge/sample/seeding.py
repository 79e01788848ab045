"""Seed nights: ask every store first, then write night after night, store after store, in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from enginedge.errors import Misconfigured
from enginedge.sample.night import Night
from enginedge.sample.writers import Written, bucket, kafka, mongodb, postgres

MOST_NIGHTS = 3_660
LARGEST_SCALE = 1_000.0
FIRST_YEAR = 2000  # its records speak of the years before it, too
STORES = (mongodb.STORE, postgres.STORE, kafka.STORE, bucket.STORE)
Tell = Callable[[Night, str], None]


def last_night() -> date:
    """Yesterday in UTC: the last night that is over."""
    return datetime.now(UTC).date() - timedelta(days=1)


def nights_until(until: date, count: int, scale: float, seed: int) -> list[Night]:
    """The ``count`` nights that end with ``until``, the earliest first.

    Raises:
        Misconfigured: for no or too many nights, a scale that makes no sense, a night not over or of another age.
    """
    if not 1 <= count <= MOST_NIGHTS:
        raise Misconfigured(f"{count} nights can't be seeded", where="--nights", remedy=f"give 1 to {MOST_NIGHTS}")
    if not 0 < scale <= LARGEST_SCALE:
        raise Misconfigured(
            f"the scale {scale:g} can't be used",
            where="--scale",
            remedy=f"give a number above 0, up to {LARGEST_SCALE:g}",
        )
    if until > last_night():
        raise Misconfigured(
            f"the night {until} is not over", where="--until", remedy="give a date up to yesterday in UTC"
        )
    if until.year < FIRST_YEAR:
        raise Misconfigured(
            f"the night {until} is too long ago", where="--until", remedy=f"give a date from {FIRST_YEAR} on"
        )
    return [Night(seed, until - timedelta(days=back), scale) for back in reversed(range(count))]


def seed(nights: list[Night], tell: Tell) -> list[Written]:
    """Put ``nights`` into the four stores and say what was written and what was there, one entry an object.

    Before each store's share of a night, ``tell`` is called with the night and the store. It may be run again at any
    time, also after it was killed: what is there is not written again.

    Raises:
        Unavailable: a store does not answer, has no room, or another seed is running.
        Misconfigured: a store refuses the user ``platform``.
    """
    outcome: list[Written] = []
    with (
        postgres.connected() as rows,
        mongodb.connected() as documents,
        bucket.connected() as objects,
        kafka.connected() as broker,
    ):
        there = kafka.already_there(broker, nights)
        for night in nights:
            tell(night, mongodb.STORE)
            outcome.extend(mongodb.write(night, documents))
            tell(night, postgres.STORE)
            outcome.extend(postgres.write(night, rows))
            tell(night, kafka.STORE)
            outcome.extend(kafka.write(night, broker, there))
            tell(night, bucket.STORE)
            outcome.extend(bucket.write(night, objects))
    return _totals(outcome)


def _totals(outcome: Iterable[Written]) -> list[Written]:
    """One entry an object, its nights added up, in the order in which the objects came first."""
    totals: dict[tuple[str, str], Written] = {}
    for each in outcome:
        place = (each.store, each.object)
        before = totals.get(place, Written(*place, 0, 0))
        totals[place] = Written(*place, before.written + each.written, before.present + each.present)
    return list(totals.values())
