"""What can't be seeded is refused before any store is asked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from enginedge.errors import Misconfigured
from enginedge.sample.seeding import last_night, nights_until
from tests.installation import enginedge


def test_nights_end_with_the_one_that_is_asked_for_and_start_with_the_earliest() -> None:
    nights = nights_until(last_night(), 3, 0.5, 7)
    assert [night.date for night in nights] == [last_night() - timedelta(days=back) for back in (2, 1, 0)]


@pytest.mark.parametrize(
    ("count", "scale"), [(0, 1.0), (-1, 1.0), (4_000, 1.0), (1, 0.0), (1, -1.0), (1, float("nan")), (1, 1e9)]
)
def test_a_number_that_makes_no_sense_is_misconfigured(count: int, scale: float) -> None:
    with pytest.raises(Misconfigured, match=r"--nights|--scale"):
        nights_until(last_night(), count, scale, 7)


def test_a_night_that_is_not_over_is_refused() -> None:
    with pytest.raises(Misconfigured, match="is not over"):
        nights_until(last_night() + timedelta(days=1), 1, 1.0, 7)


def test_a_night_of_another_age_is_refused() -> None:
    with pytest.raises(Misconfigured, match="too long ago"):
        nights_until(date(1, 1, 3), 1, 1.0, 7)
    assert nights_until(date(2024, 2, 29), 1, 1.0, 7)[0].before(1).date == date(2024, 2, 28)


def test_a_date_that_is_none_is_named_with_the_option_and_the_remedy() -> None:
    refused = enginedge("lake", "seed", "--until", "tomorrow", check=False)
    assert refused.returncode == 2
    assert "--until" in refused.stderr
    assert "YYYY-MM-DD" in refused.stderr
