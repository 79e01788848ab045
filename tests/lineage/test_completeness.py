"""What is missing is named: an end, an origin, a query that nobody told of; and what can be healed, is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from enginedge.errors import Unavailable, Violated
from enginedge.lineage.completeness import Query, completeness, history_of_trino, written_by
from enginedge.lineage.database import Database
from enginedge.lineage.read_datasets import dataset_row
from enginedge.lineage.reconcile import asked_history, reconcile, refuse_gaps
from enginedge.lineage.store import take
from tests.lineage.conftest import NAMES
from tests.lineage.events import HIVE, MARKS, dataset, event, run_of
from tests.lineage.test_walk import MART, NIGHT, tell

SINCE = datetime(2026, 11, 24, tzinfo=UTC)
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def missing(database: Database, history: list[Query] | None = None) -> set[tuple[str, str]]:
    with database.reading() as connection:
        report = completeness(connection, NAMES, SINCE, history=history, now=NOW)
    return {(one.kind, one.subject) for one in report.missing}


def query(sql: str, query_id: str = "20261124_120000_00001_abcde") -> Query:
    (found,) = written_by([(query_id, "dbt", "dbt", sql, SINCE, SINCE + timedelta(seconds=2))], NAMES)
    return found


def test_a_whole_night_lacks_nothing(database: Database) -> None:
    tell(database, NIGHT)
    assert missing(database) == set()


@pytest.mark.parametrize(
    ("off", "table"),
    [("night-spark.ndjson", "core.kafka__service_events"), ("night-trino.ndjson", MART)],
)
def test_with_a_listener_off_the_tables_that_it_should_tell_of_are_named(
    database: Database, off: str, table: str
) -> None:
    tell(database, [name for name in NIGHT if name != off])
    if off == "night-trino.ndjson":  # the mart was written all the same, as somebody else tells
        take(database, [event(outputs=[dataset(MART)])])
    assert ("no-origin", table) in missing(database)


def test_a_run_that_never_ended_is_named(database: Database) -> None:
    take(database, [event("START", job="hangs"), event("COMPLETE", "r2", "ends")])
    assert missing(database) == {("open-run", "test:hangs")}


def test_a_run_that_was_killed_is_no_gap_once_its_job_has_ended_well(database: Database) -> None:
    take(database, [event("START", job="killed"), event("COMPLETE", "r2", "killed", at="2026-11-24T23:00:00Z")])
    assert missing(database) == set()


def test_a_listener_that_told_of_earlier_nights_only_is_missed(database: Database) -> None:
    tell(database, NIGHT)
    later = SINCE + timedelta(days=1)
    take(database, [event(outputs=[dataset("core.kafka__service_events")], at="2026-11-25T02:00:00Z")])
    with database.reading() as connection:
        found = completeness(connection, NAMES, later, history=None, now=later + timedelta(days=1))
    assert [(one.kind, one.subject) for one in found.missing] == [("no-origin", "core.kafka__service_events")]


def test_a_run_whose_child_speaks_is_not_silent(database: Database) -> None:
    parent = {"run": {"runId": run_of("night")}, "job": {"namespace": "test", "name": "night"}}
    take(database, [event("START", "night", "night")])
    child = event("START", "last", "last", at="2026-11-24T23:55:00Z", facets={"parent": {**MARKS, **parent}})
    assert missing(database) == {("open-run", "test:night")}
    take(database, [child])
    assert missing(database) == set()


def test_a_query_that_nobody_told_of_is_named(database: Database) -> None:
    lost = query("insert into lake.mart_next.x select a from lake.core.y")
    assert missing(database, [lost]) == {("untold-query", lost.id)}


def test_a_lost_query_is_healed_from_trinos_history(database: Database) -> None:
    take(database, [event(outputs=[dataset("core.y", "a", "b")], integration="SPARK", inputs=[dataset("raw.y")])])
    take(database, [event("COMPLETE", "earlier", "build", outputs=[dataset("mart_next.x", "day", "n")])])
    statement = "create table lake.mart_next.x as select a as day, count(*) as n from lake.core.y group by 1"
    build = query(f"/* model.m.x */ {statement}")
    publish = query(
        """create or replace table "mart"."x" comment 'It''s a day. Night 2026-11-23.' with (format = 'PARQUET') as
        select * from "mart_next"."x" for version as of 5""",
        "20261124_120009_00002_abcde",
    )
    found = reconcile(database, NAMES, SINCE, [build, publish])
    assert set(found.healed) == {build.id, publish.id}
    assert not [one for one in found.report.missing if one.kind == "untold-query"]
    with database.reading() as connection:
        rows = connection.execute(
            """select t.name || '.' || e.target_field || ' <- ' || s.name || '.' || e.source_field as edge
               from column_edge e join dataset t on t.id = e.target join dataset s on s.id = e.source"""
        ).fetchall()
        assert dataset_row(connection, HIVE, "mart.x") is not None
    drawn = {row["edge"] for row in rows}
    assert {"mart_next.x.day <- core.y.a", "mart.x.day <- mart_next.x.day"} <= drawn
    assert "mart_next.x.n <- core.y.a" in drawn, "a count hangs on the columns that decide which rows there are"


def test_an_event_that_came_is_not_healed_again(database: Database) -> None:
    lost = query("insert into lake.mart_next.x select a from lake.core.y")
    assert reconcile(database, NAMES, SINCE, [lost]).healed == (lost.id,)
    assert reconcile(database, NAMES, SINCE, [lost]).healed == ()


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "create schema x",
        "create table lake.core.x (a integer)",
        "create table files.landing.x (line varchar) comment 'Articles as they came' with (format = 'TEXTFILE')",
        "create or replace view lake.mart.v as select 1",
        "drop table lake.core.x",
        "",
    ],
)
def test_a_statement_that_moves_no_rows_is_not_expected_to_be_told(sql: str) -> None:
    assert written_by([("q", "u", "s", sql, SINCE, None)], NAMES) == []


def test_while_trino_is_down_the_rest_is_judged() -> None:
    def silent(*_: Any, **__: Any) -> Any:
        raise Unavailable("Trino did not answer")

    assert asked_history(silent, NAMES, SINCE) is None


def test_trino_is_asked_as_admin_who_sees_everybodys_queries() -> None:
    asked: dict[str, Any] = {}

    def ask(sql: str, **named: Any) -> Any:
        asked.update(named, sql=sql)
        return SimpleNamespace(rows=[("q", "dbt", "dbt", "insert into lake.core.x select 1", SINCE, SINCE)])

    assert [found.target for found in history_of_trino(ask, NAMES, SINCE)] == ["core.x"]
    assert asked["user"] == "admin"


def test_gaps_are_refused_by_name(database: Database) -> None:
    take(database, [event("START", job="hangs")])
    with database.reading() as connection:
        report = completeness(connection, NAMES, SINCE, history=[], now=NOW)
    with pytest.raises(Violated, match="hangs"):
        refuse_gaps(report)
