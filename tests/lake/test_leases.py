"""A lease is somebody's alone; whoever waits for one learns what is in the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from enginedge.errors import Unavailable
from enginedge.lake.leases import leased
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
