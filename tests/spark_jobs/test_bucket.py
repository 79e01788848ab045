"""Which objects of a bucket are read, and that each is, whatever it is called."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from enginedge.lake.contracts import contract
from spark_jobs.engine.night import Night
from spark_jobs.engine.sources import Reading, bucket

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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


ODD = ("plain", "a b", "a#1", "100%25", "ü", "a[1]", "a{b}", "a+b", "a'b")


@pytest.fixture
def odd_files(tmp_path: Path) -> list[bucket.File]:
    """A file for each odd name, which is what stands in it, and one that ``a[1]`` as a pattern would find."""
    for name in (*ODD, "a1"):
        (tmp_path / name).write_text(f"{name}\n")
    return [(f"file:{tmp_path}/{name}", "e", f"news/{name}", (tmp_path / name).stat().st_size) for name in ODD]


@pytest.mark.parametrize(("read", "ending"), [(bucket._lines, "@e#1"), (bucket._documents, "@e")])
def test_a_file_is_read_once_whatever_it_is_called(
    spark: SparkSession, odd_files: list[bucket.File], read: Any, ending: str
) -> None:
    rows = read(spark, odd_files).collect()
    found = sorted((bytes(row["value"], "utf-8").decode().strip(), row["position"]) for row in rows)
    assert found == sorted((name, f"news/{name}{ending}") for name in ODD)
