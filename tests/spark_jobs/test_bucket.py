"""Which objects of a bucket are read. What is read of them takes Spark and a real store."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from enginedge.lake.contracts import contract
from spark_jobs.engine.night import Night
from spark_jobs.engine.sources import Reading, bucket

LISTED = (
    "news/dt=2026-11-22/a.jsonl",
    "news/dt=2026-11-23/",
    "news/dt=2026-11-23/.part-of-a-copy",
    "news/dt=2026-11-23/_SUCCESS",
    "news/dt=2026-11-23/a b#1.jsonl",
    "news/dt=2026-11-23/c.jsonl._COPYING_",
    "news/dt=2026-11-24/a.jsonl",
)


class Pages:
    """A listing in one page, as boto3's paginator gives it."""

    def paginate(self, *, StartAfter: str, **_: Any) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key, "ETag": '"e"', "Size": 1} for key in LISTED if key > StartAfter]}]


class Store:
    def get_paginator(self, _: str) -> Pages:
        return Pages()


def test_what_is_no_record_is_left_out_and_so_is_the_day_that_has_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "s3", lambda _: Store())
    nothing: Any = None
    night = Night(date(2026, 11, 23), "r")
    reading = Reading(nothing, contract("raw.bucket__news_articles"), night, {}, nothing)
    found = [key for _, _, key, _ in bucket._files(reading, None)]
    assert found == ["news/dt=2026-11-22/a.jsonl", "news/dt=2026-11-23/a b#1.jsonl"]
    assert [key for _, _, key, _ in bucket._files(reading, date(2026, 11, 23))] == found[1:]
