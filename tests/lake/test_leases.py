"""A lease is somebody's alone; whoever waits for one learns what is in the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from enginedge import trino
from enginedge.errors import Unavailable
from enginedge.lake import declared, marts
from enginedge.lake.leases import leased, lock_number
from tests.lineage.postgres import platform_server

TABLE = "core.test__things"


@pytest.fixture
def postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A server with the role and the database that leases are held in, and its administrator."""
    with platform_server(tmp_path, monkeypatch, "lake") as admin:
        yield admin


def test_who_waits_while_postgres_goes_away_is_told_to_come_back(postgres: psycopg.Connection) -> None:
    said: list[Unavailable] = []

    def wait() -> None:
        try:
            with leased([TABLE], "whoever waits", patience_s=60):
                pass
        except Unavailable as error:
            said.append(error)

    with leased([TABLE], "the holder"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        ended = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%whoever waits'"
        while not postgres.execute(ended).fetchall():
            waiting.join(0.05)
        waiting.join(30)
    assert ["PostgreSQL does not answer" in str(error) for error in said] == [True]


def test_a_failure_of_the_work_stays_what_it_is(postgres: psycopg.Connection) -> None:
    with pytest.raises(psycopg.ProgrammingError), leased([TABLE], "the holder"):
        raise psycopg.ProgrammingError("not of the lease")


END = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like %s"


def test_a_lease_that_is_held_is_confirmed(postgres: psycopg.Connection) -> None:
    with leased([TABLE, "core.test__others"], "the holder") as lease:
        lease.confirm()
        with pytest.raises(Unavailable, match="the lease is held by the holder"), leased([TABLE], "another", 0):
            pass


def test_a_holder_whose_connection_was_ended_is_told_that_the_lease_is_lost(postgres: psycopg.Connection) -> None:
    with leased([TABLE], "the holder") as lease:
        postgres.execute(END, ["%the holder"])
        with leased([TABLE], "another"), pytest.raises(Unavailable, match=f"{TABLE}: the lease was lost"):
            lease.confirm()


def test_a_lease_that_was_given_back_is_lost_though_its_connection_lives(postgres: psycopg.Connection) -> None:
    with leased([TABLE, "core.test__others"], "the holder") as lease:
        lease._connection.execute("select pg_advisory_unlock(%s)", [lock_number(TABLE)])
        with pytest.raises(Unavailable, match=f"^{TABLE}: the lease was lost"):
            lease.confirm()


class Trino:
    """Answers what a mart's publication asks until ``before`` is asked, and then ends the lease's connection."""

    def __init__(self, before: str, end: Callable[[], object]) -> None:
        self.before, self.end, self.asked = before, end, list[str]()

    def query(self, sql: str, **_: object) -> trino.QueryResult:
        self.asked.append(sql)
        if self.before in sql:
            self.end()
        mark = json.dumps({"snapshot_id": 5, "night": "2026-11-23", "run": "r"})
        answer = (mark,) if "table_comments" in sql else (5, 5)
        return trino.QueryResult([answer], (), (), "query")


@pytest.mark.parametrize("lost", [True, False])
def test_a_mart_is_not_swapped_in_by_who_lost_the_lease(
    postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    engine = Trino("create schema", lambda: lost and postgres.execute(END, ["%publish %"]))
    monkeypatch.setattr(trino, "query", engine.query)
    monkeypatch.setattr(marts, "digest", lambda _: "5:0")
    (name, *_) = (each.name for each in declared.marts())
    if lost:
        with pytest.raises(Unavailable, match="the lease was lost in the middle of the work"):
            marts.publish_mart(name)
    else:
        marts.publish_mart(name)
    assert any("create or replace table" in each for each in engine.asked) is not lost
