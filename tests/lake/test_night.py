"""What a night makes of a machine that fails under it."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest

from enginedge import trino
from enginedge.errors import Unavailable
from enginedge.lake import declared, night, source_lineage, spark, spark_master

NONE_OF_THEM = dict.fromkeys(("raw", "accepted", "quarantined", "duplicate", "superseded", "inserted", "updated"), 0)
COUNTS = json.dumps({**NONE_OF_THEM, "nights": "_night = date", "full_refresh": False})


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else holds the lease, every service listens, and nothing was published before."""
    monkeypatch.setattr(night, "leased", lambda *_: nullcontext())
    monkeypatch.setattr(spark_master, "reach", lambda *_: None)
    monkeypatch.setattr(spark, "submit", lambda *_: [])
    Published(monkeypatch)


class Published:
    """A Trino that knows which nights each table has published, and what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **nights: Sequence[str]) -> None:
        self.nights, self.asked = nights, list[str]()
        monkeypatch.setattr(trino, "query", self.query)

    def query(self, sql: str, *, parameters: Sequence[object] | None = None) -> trino.QueryResult:
        self.asked.append(sql)
        if "information_schema" in sql:
            there = self.nights if parameters == ["core"] else {}
            return trino.QueryResult([(table,) for table in there], (), (), "")
        rows = []
        for table in (table for table in self.nights if f'"{table}$snapshots"' in sql):
            sealed = [each for each in sorted(self.nights[table]) if parameters in (None, [each])]
            rows += [
                (f"core.{table}", int(each.replace("-", "")), each, f"run of {each}", COUNTS) for each in sealed[-1:]
            ]
        return trino.QueryResult(rows, (), (), "")


def test_a_disk_that_is_too_full_for_lineage_is_named_and_may_heal(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/spool/x")

    monkeypatch.setattr(source_lineage, "emit", full)
    with pytest.raises(Unavailable, match="/data/spool/x"):
        night.refresh_source("kafka", "2026-11-23", "r")


def test_another_failure_of_the_machine_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file")

    monkeypatch.setattr(source_lineage, "emit", missing)
    with pytest.raises(FileNotFoundError):
        night.refresh_source("kafka", "2026-11-23", "r")


def test_a_night_that_every_table_of_the_source_has_starts_no_application(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [table.removeprefix("core.") for table in declared.tables_of("mongodb")]
    there = Published(monkeypatch, **dict.fromkeys(tables, ("2026-11-22", "2026-11-23")))
    monkeypatch.setattr(source_lineage, "emit", lambda *_: None)
    counts = night.refresh_source("mongodb", "2026-11-22", "r")
    assert {each.table for each in counts} == set(declared.tables_of("mongodb"))
    assert {(each.night, each.snapshot, each.status) for each in counts} == {
        ("2026-11-23", 20261123, "already published")
    }
    assert len(there.asked) == 2, "one listing, and one question about all tables"


@pytest.mark.parametrize("missing", [{}, {"mongodb__users": ()}, {"mongodb__users": ("2026-11-22",)}])
def test_a_night_that_one_table_lacks_is_run(monkeypatch: pytest.MonkeyPatch, missing: dict[str, Any]) -> None:
    submitted: list[Any] = []
    have = dict.fromkeys(("mongodb__interviews", "mongodb__resumes", "mongodb__conversations"), ("2026-11-23",))
    Published(monkeypatch, **{**have, **missing})
    monkeypatch.setattr(source_lineage, "emit", lambda *_: None)
    monkeypatch.setattr(spark, "submit", lambda *asked: submitted.append(asked) or [])
    night.refresh_source("mongodb", "2026-11-23", "r")
    assert len(submitted) == 1


def test_the_summary_of_a_night_that_is_not_the_last_is_of_that_night(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Published(
        monkeypatch, postgres__schedules=("2026-11-21", "2026-11-23"), mongodb__users=("2026-11-22", "2026-11-23")
    )
    (only,) = night.summary("2026-11-22").tables
    assert (only.table, only.snapshot, only.run) == ("core.mongodb__users", 20261122, "run of 2026-11-22")
    assert len(there.asked) == 3, "a listing of core, one of the marts, and one question about all tables"
