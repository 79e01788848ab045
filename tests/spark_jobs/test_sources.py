"""How far a source has been read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from spark_jobs.engine.sources import CHANGED_AT, EPOCH, newest_change


class Written:
    """The rows that were written, of which only the newest change is asked."""

    def __init__(self, newest: int | None) -> None:
        self.newest = newest

    def selectExpr(self, _: str) -> Written:
        return self

    def collect(self) -> list[list[Any]]:
        return [[self.newest]]


def micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def test_the_newest_change_is_the_position() -> None:
    at = datetime(2024, 2, 29, 23, 59, 59, 999999, UTC)
    assert newest_change(Written(micros(at))) == {CHANGED_AT: at.isoformat()}  # type: ignore[arg-type]
    assert newest_change(Written(None)) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize("ahead", [micros(datetime(2199, 1, 1, tzinfo=UTC)), 10**18])
def test_a_change_from_the_future_hides_nothing_that_comes_before_it(ahead: int) -> None:
    position = newest_change(Written(ahead))[CHANGED_AT]  # type: ignore[arg-type]
    assert datetime.fromisoformat(position) <= datetime.now(UTC)
