"""The sample is a function of seed, date and scale; it stays within its night, and every kind of dirt occurs in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enginedge.sample import articles, conversations, documents, events, interviews, resumes, schedules, users
from enginedge.sample.night import AT_LEAST, DAYS_LOOKED_BACK, Night
from enginedge.sample.rates import RATES, dirt, repeated
from tests.installation import ROOT

ROWS: tuple[ModuleType, ...] = (users, interviews, resumes, conversations, schedules)
NIGHTS = st.builds(
    Night,
    seed=st.integers(0, 2**31),
    date=st.dates(date(2020, 1, 8), date(2030, 12, 31)),
    scale=st.floats(0.001, 0.03),
)
A_MONDAY = Night(7, date(2026, 11, 23), 0.05)


def content(night: Night) -> Iterator[str]:
    """Everything that the night consists of, in order."""
    for table in ROWS:
        yield from (repr(record) for record in table.records(night))
        yield from (repr(revision) for revision in table.revised(night))
    yield from map(repr, events.arrivals(night))
    yield from map(repr, articles.objects(night))
    yield from map(repr, documents.objects(night))


def digest(night: Night) -> str:
    return sha256("\n".join(content(night)).encode()).hexdigest()


def test_another_process_with_another_hash_seed_makes_the_same_bytes() -> None:
    code = "from tests.sample.test_generators import A_MONDAY, digest; print(digest(A_MONDAY))"
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest(A_MONDAY)


@pytest.mark.parametrize(
    "other",
    [Night(8, A_MONDAY.date, 0.05), Night(7, date(2026, 11, 24), 0.05), Night(7, A_MONDAY.date, 0.06)],
    ids=["seed", "date", "scale"],
)
def test_seed_date_and_scale_each_change_the_content(other: Night) -> None:
    assert not {user["_id"] for user in users.records(other)} & {user["_id"] for user in users.records(A_MONDAY)}
    assert digest(other) != digest(A_MONDAY)


@settings(max_examples=8, deadline=None)
@given(NIGHTS)
def test_the_same_night_has_the_same_content_again(night: Night) -> None:
    twin = Night(night.seed, night.date, night.scale)
    first = list(content(night))
    dirt.cache_clear()
    assert list(content(twin)) == first


@settings(max_examples=8, deadline=None)
@given(NIGHTS)
def test_every_change_lies_within_its_night(night: Night) -> None:
    for table in ROWS:
        for record in table.records(night):
            assert night.start <= record["updated_at"] < night.end
        for revision in table.revised(night):
            assert night.start <= revision.at < night.end
    for arrival in events.arrivals(night):
        assert night.start <= datetime.fromtimestamp(arrival.timestamp_ms / 1000, UTC) < night.end
    for key, _ in [*articles.objects(night), *documents.objects(night)]:
        assert f"/dt={night.date.isoformat()}/" in key


@settings(max_examples=8, deadline=None)
@given(NIGHTS)
def test_every_kind_of_dirt_occurs_and_a_quarter_is_clean(night: Night) -> None:
    for table, rates in RATES.items():
        plan = dirt(night, table)
        assert set(plan.values()) == set(rates)
        assert len(plan) <= night.count(table) * 3 // 4
        assert 0 not in plan


@settings(max_examples=50, deadline=None)
@given(NIGHTS)
def test_no_record_is_repeated_twice_so_that_each_duplicate_counts_as_one(night: Night) -> None:
    for table, rates in RATES.items():
        if {"duplicate", "superseded"} <= set(rates):
            plan, found = dirt(night, table), repeated(night, table)
            assert set(found) == {index for index, kind in plan.items() if kind in ("duplicate", "superseded")}
            assert len(set(found.values())) == len(found)
            assert not set(found.values()) & set(plan)


def test_at_scale_one_dirt_comes_at_its_declared_rate() -> None:
    night = Night(7, date(2026, 11, 23), 1.0)
    for table, rates in RATES.items():
        counted = Counter(dirt(night, table).values())
        for kind, rate in rates.items():
            assert counted[kind] == max(1, round(rate * night.count(table))), (table, kind)


def test_a_kind_of_dirt_that_the_rates_name_is_known_to_its_table() -> None:
    for table in ROWS:
        assert set(table.SPOILS) == set(RATES[table.TABLE])
    assert set(events.SPOILS) < set(RATES["events"])
    assert set(articles.SPOILS) < set(RATES["articles"])


@settings(max_examples=8, deadline=None)
@given(NIGHTS)
def test_a_revision_is_about_a_record_of_an_earlier_night_that_exists(night: Night) -> None:
    for table in ROWS:
        key = "schedule_id" if table is schedules else "_id"
        earlier = {
            record[key] for back in range(1, DAYS_LOOKED_BACK + 1) for record in table.records(night.before(back))
        }
        assert {revision.key for revision in table.revised(night)} <= earlier


def test_most_references_hold_and_some_dangle() -> None:
    known = {night.identifier("users", i) for night in _week() for i in range(night.count("users"))}
    wanted = [record["user_id"] for record in conversations.records(Night(7, date(2026, 11, 23), 1.0))]
    holding = sum(user in known for user in wanted) / len(wanted)
    assert 0.93 < holding < 0.99


def _week() -> list[Night]:
    return [Night(7, date(2026, 11, 23), 1.0).before(back) for back in range(DAYS_LOOKED_BACK + 1)]


def test_use_is_skewed_over_users_topics_and_hours() -> None:
    night = Night(7, date(2026, 11, 23), 1.0)
    talks = list(conversations.records(night))
    by_user = Counter(talk["user_id"] for talk in talks).most_common()
    assert sum(count for _, count in by_user[: len(by_user) // 10]) > 0.4 * len(talks)
    arrivals = list(events.arrivals(night))
    by_hour = Counter(datetime.fromtimestamp(arrival.timestamp_ms / 1000, UTC).hour for arrival in arrivals)
    assert max(by_hour.values()) > 8 * min(by_hour.values())
    by_topic = Counter(arrival.topic for arrival in arrivals)
    assert len(by_topic) == 9
    assert max(by_topic.values()) > 4 * min(by_topic.values())


def test_a_partition_gets_its_messages_in_the_order_of_arrival() -> None:
    times = [arrival.timestamp_ms for arrival in events.arrivals(A_MONDAY)]
    assert times == sorted(times)


def test_events_hold_duplicates_redeliveries_late_ones_and_four_ways_of_being_broken() -> None:
    values = [arrival.value for arrival in events.arrivals(A_MONDAY)]
    yesterday = {arrival.value for arrival in events.arrivals(A_MONDAY.before(1))}
    readable = [event for value in values if (event := _object(value)) is not None]
    assert max(Counter(values).values()) > 1
    assert yesterday & set(values)
    assert any(_happened(event) < A_MONDAY.start for event in readable)
    assert any("+02:00" in text or "-05:00" in text or "+05:30" in text for text in map(str, readable))
    broken = [value for value in values if _object(value) is None]
    assert any(value.startswith(b"<html") for value in broken)
    assert any(b"\xff\xfe" in value for value in broken)
    assert any(value.startswith(b"[") for value in broken)
    assert any(value.startswith(b"{") and not value.endswith(b"}") for value in broken)


def _object(value: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(value.decode())
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _happened(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["occurred_at"])


def test_news_hold_repeated_lines_two_versions_of_an_article_and_broken_lines() -> None:
    lines = b"".join(content for _, content in articles.objects(A_MONDAY)).split(b"\n")[:-1]
    readable = [article for line in lines if (article := _object(line)) is not None]
    versions = Counter((article["article_id"], article["updated_at"]) for article in readable)
    assert max(versions.values()) > 1
    assert max(Counter(key for key, _ in versions if key).values()) > 1
    assert any(not line.strip() for line in lines)
    assert any(line.startswith(b"{") and _object(line) is None for line in lines)


def test_no_document_is_written_twice_under_one_key() -> None:
    keys = [key for key, _ in documents.objects(A_MONDAY)]
    assert len(keys) == len(set(keys)) >= AT_LEAST
