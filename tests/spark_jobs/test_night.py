"""A night on one table, from the source to core: every record goes to exactly one place, once."""

from __future__ import annotations

from datetime import date

import pytest

from enginedge.errors import Unavailable, Violated
from spark_jobs.engine import core
from spark_jobs.engine.night import Night
from spark_jobs.engine.tables import Published
from spark_jobs.job import SparkJob
from tests.spark_jobs.lake import FIRST, NAME, SECOND, THIRD, Lake, conversation

COUNTED = ("raw", "accepted", "quarantined", "duplicate", "superseded", "inserted", "updated")


def counts(published: Published) -> tuple[int, ...]:
    return tuple(published.counts[name] for name in COUNTED)


def test_every_record_goes_to_exactly_one_place(lake: Lake) -> None:
    at = "2026-11-20T11:00:00Z"
    lake.source.put(
        conversation("c-1", at),
        conversation("c-1", at),
        conversation("c-1", "2026-11-20T09:00:00Z"),
        conversation("c-2", at, messages="many"),
        conversation("c-3", at, assistant="robot"),
        conversation("c-4", at, started_at={"$date": "2026-11-21T10:00:00Z"}),
        conversation("c-5", at, user_id=None),
        conversation("c-6", at, unheard_of={"a": [1]}, topic="Gehalt, ¥ und 😀"),
        "this is no document",
    )
    assert counts(lake.night(FIRST)) == (9, 2, 5, 1, 1, 2, 0)
    assert lake.rows("core", "conversation_id", "topic") == [("c-1", "cover letter"), ("c-6", "Gehalt, ¥ und 😀")]
    assert lake.rows("quarantine", "rule", "position") == [
        ("not_after:started_at", "c-4@2026-11-20 11:00:00"),
        ("one_of:assistant", "c-3@2026-11-20 11:00:00"),
        ("readable:record", "@"),
        ("required:user_id", "c-5@2026-11-20 11:00:00"),
        ("type:messages", "c-2@2026-11-20 11:00:00"),
    ]
    assert "this is no document" in {row[0] for row in lake.rows("quarantine", "record")}


def test_a_published_night_says_how_long_it_took(lake: Lake) -> None:
    lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"))
    assert 0 < lake.night(FIRST).counts["seconds"] < 600
    assert lake.night(FIRST, run="again").counts == lake.night(FIRST, run="and again").counts


def test_the_same_night_twice_changes_nothing(lake: Lake) -> None:
    lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"), "no document")
    lake.night(FIRST)
    before = lake.mains()
    lake.source.put(conversation("c-2", "2026-11-20T12:00:00Z"))
    lake.night(FIRST, run="again")
    assert lake.mains() == before


def test_a_second_night_adds_only_what_is_new_and_an_older_version_never_wins(lake: Lake) -> None:
    lake.source.put(
        conversation("c-1", "2026-11-20T23:58:00Z", messages=1), conversation("c-2", "2026-11-20T23:59:00Z")
    )
    lake.night(FIRST)
    lake.source.put(
        conversation("c-1", "2026-11-21T08:00:00Z", messages=2),
        conversation("c-2", "2026-11-20T23:58:30Z", messages=99),
        conversation("c-3", "2026-11-21T09:00:00Z"),
    )
    assert counts(lake.night(SECOND)) == (3, 2, 0, 0, 1, 1, 1)
    assert lake.rows("core", "conversation_id", "messages", "_night") == [
        ("c-1", 2, SECOND),
        ("c-2", 3, FIRST),
        ("c-3", 3, SECOND),
    ]


def test_a_record_that_is_known_is_not_read_again(lake: Lake) -> None:
    lake.source.put(conversation("c-1", "2026-11-20T23:59:59Z"), "no document")
    lake.night(FIRST)
    assert counts(lake.night(SECOND)) == (0, 0, 0, 0, 0, 0, 0)
    assert len(lake.rows("raw")) == 2
    assert len(lake.rows("quarantine")) == 1, "yesterday's quarantine stays"


def test_a_night_without_records_is_published_with_its_position(lake: Lake) -> None:
    lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"))
    lake.night(FIRST)
    lake.night(SECOND)
    raw, published = lake.table("raw").published(), lake.table("core").published()
    assert raw is not None
    assert published is not None
    assert (raw.night, published.night) == (SECOND, SECOND)
    assert raw.position == {"changed_at": "2026-11-20T11:00:00+00:00"}


def test_a_night_that_was_left_out_is_caught_up_by_the_next(lake: Lake) -> None:
    lake.night(FIRST)
    lake.source.put(conversation("c-1", "2026-11-21T11:00:00Z"), conversation("c-2", "2026-11-22T11:00:00Z"))
    assert counts(lake.night(THIRD))[:2] == (2, 2)


def test_an_earlier_night_than_the_published_one_changes_nothing(lake: Lake) -> None:
    lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"))
    lake.night(SECOND)
    before = lake.mains()
    assert lake.night(FIRST).night == SECOND
    assert lake.mains() == before


def test_a_rebuild_from_all_of_raw_gives_the_same_table(lake: Lake) -> None:
    lake.source.put(
        conversation("c-1", "2026-11-20T11:00:00Z"), conversation("c-2", "2026-11-20T11:00:00Z"), "no document"
    )
    lake.night(FIRST)
    lake.source.put(
        conversation("c-1", "2026-11-21T11:00:00Z", messages=7), conversation("c-3", "2026-11-21T11:00:00Z")
    )
    lake.night(SECOND)
    core_before, quarantine_before = lake.rows("core"), lake.rows("quarantine")
    rebuilt = lake.night(SECOND, full_refresh=True)
    assert (lake.rows("core"), lake.rows("quarantine")) == (core_before, quarantine_before)
    assert counts(rebuilt) == (5, 3, 1, 0, 1, 3, 0)


def test_a_transform_that_loses_rows_publishes_nothing(lake: Lake) -> None:
    lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"), conversation("c-2", "2026-11-20T11:00:00Z"))
    lake.night(FIRST)
    lake.source.put(conversation("c-3", "2026-11-21T11:00:00Z"), conversation("c-4", "2026-11-21T11:00:00Z"))
    night = Night(SECOND, "test")
    from spark_jobs.engine.raw import append_night
    from spark_jobs.job import RawJob
    from spark_jobs.tables.core.mongodb__conversations import transform

    append_night(lake.spark, RawJob(f"raw.{NAME}", lake.source), night)
    before = lake.table("core").main()
    lossy = SparkJob(f"core.{NAME}", f"raw.{NAME}", lambda rows: transform(rows).where("conversation_id <> 'c-4'"))
    with pytest.raises(Violated, match="2 raw rows, but 1 accepted"):
        core.refresh(lake.spark, lossy, night)
    assert lake.table("core").main() == before
    assert lake.branches() == []


def test_a_quarantine_that_cannot_be_published_keeps_core_back(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise Unavailable("the bucket is full")

    monkeypatch.setattr(core.quarantine, "replace", full)
    lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"), "this is no document")
    with pytest.raises(Unavailable, match="the bucket is full"):
        lake.night(FIRST)
    assert (lake.table("core").published(), lake.table("quarantine").published()) == (None, None)
    assert lake.branches() == []
    monkeypatch.undo()
    assert counts(lake.night(FIRST, run="again")) == (2, 1, 1, 0, 0, 1, 0)


def test_nights_are_days_of_utc() -> None:
    assert Night(date(2026, 11, 20), "r").end.isoformat() == "2026-11-21T00:00:00+00:00"
