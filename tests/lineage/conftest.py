"""What the lineage tests share: a scratch PostgreSQL, an empty database for each test, and the recorded events."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from enginedge.lineage.database import Database
from enginedge.lineage.naming import Names
from tests.lineage.postgres import free_port, scratch_server

RECORDINGS = Path(__file__).parent / "recordings"
NAMES = Names(metastore="hive://127.0.0.1:9083")
_counter = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The conninfo of a scratch server."""
    folder = tmp_path_factory.mktemp("postgres", numbered=True)
    with scratch_server(folder) as conninfo:
        yield conninfo


@pytest.fixture(scope="session")
def new_conninfo(server: str) -> Any:
    """A function that makes an empty database and returns its conninfo."""

    def make() -> str:
        name = f"lineage_{next(_counter)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return make_conninfo(server, dbname=name)

    return make


@pytest.fixture
def database(new_conninfo: Any) -> Iterator[Database]:
    """A relay's database, empty."""
    found = Database(new_conninfo())
    yield found
    found.close()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A relay's database that is down; whoever asks for it waits for a second only."""
    monkeypatch.setattr("enginedge.lineage.database.WAIT_S", 1.0)
    found = Database(f"host=127.0.0.1 port={free_port()} user=nobody dbname=none connect_timeout=1")
    yield found
    found.close()


def recorded(name: str) -> list[dict[str, Any]]:
    """The lines of a recording."""
    with gzip.open(RECORDINGS / f"{name}.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
