"""What is kept and what goes, as a table; and that what goes is only what was said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from enginedge.backup.retention import Keep, verdicts
from enginedge.backup.shapes import Dumped, Fingerprint, Manifest

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def taken(at: datetime) -> Manifest:
    return Manifest(f"{at:%Y%m%dT%H%M}", "postgres", Dumped(at, Fingerprint({}), (), {}), 1.0)


def every_night(nights: int) -> list[Manifest]:
    return [taken(NOON - timedelta(days=back)) for back in range(nights)]


def kept(manifests: list[Manifest], verified: set[str] = frozenset(), **keep: int) -> list[str]:  # type: ignore[assignment]
    none = {"daily": 0, "weekly": 0, "monthly": 0, "yearly": 0}
    return [each.manifest.id[:8] for each in verdicts(manifests, verified, Keep(**{**none, **keep})) if each.stays]


def test_the_newest_of_each_of_the_last_days_is_kept() -> None:
    twice_a_night = [*every_night(4), *(taken(NOON - timedelta(days=back, hours=2)) for back in range(4))]
    assert kept(twice_a_night, daily=3) == ["20261125", "20261124", "20261123"]


def test_days_without_a_backup_do_not_count() -> None:
    assert kept([taken(NOON), taken(NOON - timedelta(days=30))], daily=2) == ["20261125", "20261026"]


def test_weeks_months_and_years_reach_further_back() -> None:
    reaching = ["20261125", "20261122", "20261031", "20260930", "20251231"]
    assert kept(every_night(800), weekly=2, monthly=3, yearly=2) == reaching


def test_the_last_verified_one_is_kept_however_old_it_is() -> None:
    nights = every_night(100)
    assert kept(nights, {nights[90].id, nights[95].id}, daily=1) == ["20261125", nights[90].id[:8]]


def test_the_last_two_that_were_proved_together_are_kept_however_old_they_are() -> None:
    nights = every_night(100)
    told = {each.manifest.id: each for each in verdicts(nights, set(), Keep(daily=1), {nights[90].id, "of another"})}
    assert told[nights[90].id].stays
    assert told[nights[90].id].why == "half of the last proved lake"


def test_the_way_back_from_a_restore_is_kept_for_two_weeks_though_a_later_one_is_the_daily() -> None:
    nights = every_night(30)
    safety = [replace(taken(NOON - timedelta(days=days, hours=5)), safety=True) for days in (0, 12, 14)]
    told = {each.manifest.id: each.why for each in verdicts([*nights, *safety], set(), Keep())}
    assert [told[each.id] for each in safety] == ["the way back from a restore"] * 2 + ["no rule keeps it"]


def test_what_a_restore_has_replaced_takes_the_place_of_no_other_backup() -> None:
    """Bad data at ten o'clock, restored from the night's backup: both are of one day, and the good one stays."""
    night, safety = taken(NOON - timedelta(hours=10)), replace(taken(NOON), safety=True)
    told = {each.manifest.id: each.why for each in verdicts([night, safety], set(), Keep())}
    assert told[night.id].startswith("the newest, the daily of ")
    assert told[safety.id] == "the way back from a restore"
    assert verdicts([safety], set(), Keep(0, 0, 0, 0))[0].why.startswith("the newest, "), "where there is no other"


def test_what_a_broken_off_restore_was_begun_from_stays() -> None:
    nights = every_night(9)
    told = {each.manifest.id: each.why for each in verdicts(nights, set(), Keep(1, 0, 0, 0), held={nights[5].id})}
    assert told[nights[5].id] == "a restore of it broke off"


def test_a_backup_dated_ahead_makes_no_way_back_old() -> None:
    ahead, safety = taken(NOON + timedelta(days=300)), replace(taken(NOON - timedelta(days=3)), safety=True)
    told = {each.manifest.id: each for each in verdicts([ahead, safety], set(), Keep(0, 0, 0, 0), now=NOON)}
    assert told[safety.id].why == "the way back from a restore"


def test_the_newest_is_kept_though_no_rule_keeps_anything() -> None:
    assert kept(every_night(3)) == ["20261125"]


def test_the_newest_is_the_one_that_was_taken_last_though_the_clock_was_set_back() -> None:
    nights = [replace(each, number=number) for number, each in enumerate(reversed(every_night(3)), 1)]
    again = replace(taken(NOON - timedelta(days=2, hours=-1)), number=4)
    assert kept([*nights, again]) == [again.id[:8]]
    assert kept([*nights, again], daily=3) == ["20261123", "20261125", "20261124"], "one a day, of that day the last"


def test_every_verdict_says_why() -> None:
    keep = Keep(daily=2, weekly=1, monthly=0, yearly=0)
    told = {each.manifest.id[:8]: each.why for each in verdicts(every_night(9), set(), keep)}
    assert told["20261125"] == "the newest, the daily of 2026-11-25, the weekly of 2026-W48"
    assert told["20261117"] == "no rule keeps it"


@given(some.sets(some.integers(0, 2000), min_size=1), some.integers(0, 5), some.randoms())
def test_more_backups_never_cost_the_newest_or_the_verified(hours: set[int], daily: int, chance: object) -> None:
    manifests = [taken(NOON - timedelta(hours=back)) for back in sorted(hours)]
    verified = {manifests[-1].id}
    stays = {each.manifest.id for each in verdicts(manifests, verified, Keep(daily=daily)) if each.stays}
    assert manifests[0].id in stays
    assert verified <= stays
