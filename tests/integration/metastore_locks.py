"""The locks that writers take of the lake's tables while they commit, read in the metastore's database by psycopg."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from deploy.local.layout import local
from deploy.local.services import postgres


def metastore_database() -> psycopg.Connection:
    """A connection to the metastore's database, as the administrator; each statement is committed for itself."""
    return postgres.connected(local(), "metastore", "admin")


def locked_tables() -> set[str]:
    """The tables that somebody, alive or not, holds the lock of."""
    held = "select hl_db || '.' || hl_table from hive_locks where hl_lock_state = 'a'"
    with metastore_database() as connection:
        return {str(row[0]) for row in connection.execute(held)}


@contextmanager
def a_commit_that_stands_still() -> Iterator[None]:
    """Some writer has taken its table's lock, and keeps it: inside the ``with`` no commit comes to its end."""
    with metastore_database() as connection, connection.transaction():
        connection.execute('lock table "TABLE_PARAMS" in share mode')
        until = time.monotonic() + 60
        while not locked_tables():
            assert time.monotonic() < until, "nobody commits"
            time.sleep(0.02)
        yield
