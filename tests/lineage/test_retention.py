"""What happened long ago is forgotten, and the graph, which says what each job did last, stays as it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from enginedge.lineage.database import Database, one
from enginedge.lineage.retention import Retention, forget
from enginedge.lineage.store import take
from enginedge.lineage.walk import walk_to_sources
from tests.lineage.events import HIVE, dataset, event, run_of

OLD, YOUNG = "2025-01-01T00:00:00Z", "2026-11-20T00:00:00Z"
BETWEEN = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = "mongodb://127.0.0.1:27017"


def copies(run: str, to: str, at: str, job: str = "load", **named: Any) -> Any:
    """A run of a job that copies a collection into ``to``."""
    read = dataset("platform.users", "name", namespace=SOURCE)
    written = dataset(to, "name", lineage={"name": [(SOURCE, "platform.users", "name")]})
    return event("COMPLETE", run, job, at=at, inputs=[read], outputs=[written], integration="SPARK", **named)


def received_when_they_happened(database: Database) -> None:
    with database.writing() as connection:
        connection.execute("update event set received_at = event_time")


def rows(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table: (one(connection, f"select count(*) as n from {table}") or {})["n"]  # noqa: S608
            for table in ("event", "run", "run_dataset", "dataset_version", "job_version", "job_dataset", "column_edge")
        }


def runs(database: Database) -> set[str]:
    with database.reading() as connection:
        return {str(row["id"]) for row in connection.execute("select id from run")}


def test_old_runs_that_a_later_one_took_the_place_of_are_forgotten_with_what_they_said(database: Database) -> None:
    take(database, [copies("1", "raw.users", OLD), copies("2", "raw.users", OLD), copies("3", "raw.users", YOUNG)])
    received_when_they_happened(database)
    gone = forget(database, BETWEEN, forwarding=False)
    assert (gone["event"], gone["run"]) == (2, 2)
    assert runs(database) == {run_of("3")}
    assert rows(database)["dataset_version"] == 2, "the last of the table, and that of the collection"


def test_the_graph_of_a_job_that_last_ran_long_ago_stays_whole(database: Database) -> None:
    take(database, [copies("1", "raw.users", OLD), event("FAIL", "2", "load", at=OLD)])
    received_when_they_happened(database)
    before, way = rows(database), walk_to_sources
    with database.reading() as connection:
        ways = way(connection, HIVE, "raw.users", "name")
    forget(database, BETWEEN, forwarding=False)
    assert rows(database) == {**before, "event": 0}
    with database.reading() as connection:
        assert way(connection, HIVE, "raw.users", "name") == ways


def test_a_run_that_a_failed_one_followed_is_still_what_the_job_did_last(database: Database) -> None:
    failed = event("FAIL", "2", "load", at=YOUNG, inputs=[dataset("platform.users", namespace=SOURCE)])
    take(database, [copies("1", "raw.users", OLD), failed])
    forget(database, BETWEEN, forwarding=False)
    assert runs(database) == {run_of("1"), run_of("2")}


def test_what_waits_for_marquez_is_kept_and_where_there_is_none_nothing_waits(database: Database) -> None:
    take(database, [copies("1", "raw.users", OLD), copies("2", "raw.orders", OLD)])
    received_when_they_happened(database)
    with database.writing() as connection:
        connection.execute("update event set forwarding = 'done' where run_id = %s", [run_of("1")])
    assert forget(database, BETWEEN, forwarding=True)["event"] == 1
    assert forget(database, BETWEEN, forwarding=False)["event"] == 1


def test_what_was_set_aside_and_where_files_were_read_to_is_forgotten_too(database: Database) -> None:
    with database.writing() as connection:
        for number, at in enumerate((OLD, YOUNG)):
            connection.execute(
                "insert into rejected (origin, line, reason, text, rejected_at) values ('f', %s, 'r', 't', %s)",
                [number, at],
            )
            connection.execute(
                "insert into spool_file (inode, born, path, read_at) values (%s, 'b', 'f', %s)", [number, at]
            )
    gone = forget(database, BETWEEN, forwarding=True)
    assert (gone["rejected"], gone["spool_file"]) == (1, 1)


@pytest.mark.parametrize(("days", "left"), [(400, 2), (100, 1)])
def test_the_relay_forgets_as_it_starts(database: Database, days: int, left: int) -> None:
    take(database, [copies("1", "raw.users", OLD), copies("2", "raw.users", YOUNG)])
    with database.writing() as connection:
        connection.execute(
            "update event set received_at = now() - interval '200 days' where run_id = %s", [run_of("1")]
        )
    retention = Retention(database, days, forwarding=False)
    with retention.running():
        until = time.monotonic() + 20
        while rows(database)["event"] != left and time.monotonic() < until:
            time.sleep(0.05)
    assert rows(database)["event"] == left
    assert retention.state() == {"days": days, "trouble": ""}
