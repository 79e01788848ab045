"""The relay's door to PostgreSQL: a small pool, the schema's migrations, and one writer at a time.

Run states and graphs are folded event by event, so two writers would mix them up. An advisory lock in the database lets
one transaction write at a time, whichever process it comes from (the server, a reconciliation by hand).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from enginedge.errors import Unavailable
from enginedge.logins import postgres_login

Connection = psycopg.Connection[DictRow]
WRITER_LOCK = 0x6C696E65
WAIT_S = 5.0


def conninfo() -> str:
    """How to reach the database ``lineage`` as its owner."""
    return make_conninfo(**postgres_login("lineage", "lineage"), application_name="lineage")


class Database:
    """A pool of connections to one database whose schema is up to date.

    Nothing is connected before it is needed: the relay starts, and keeps its spool, while PostgreSQL is down.
    """

    def __init__(self, conninfo: str, *, connections: int = 4) -> None:
        self._migrated = False
        self._pool = ConnectionPool(
            conninfo,
            min_size=0,
            max_size=connections,
            timeout=WAIT_S,
            reconnect_timeout=WAIT_S,
            kwargs={"row_factory": dict_row, "autocommit": True},
            check=ConnectionPool.check_connection,
            connection_class=psycopg.Connection[DictRow],
            open=True,
        )

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for queries; each statement sees the newest commit.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        with self._named_failures(), self._pool.connection() as connection:
            self._migrate(connection)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer's overlaps; it is committed when the block ends.

        Raises:
            Unavailable: PostgreSQL does not answer; nothing was written.
        """
        with self._named_failures(), self._pool.connection() as connection:
            self._migrate(connection)
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", [WRITER_LOCK])
                yield connection

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            if is_about_a_value(error):
                raise
            raise Unavailable(
                f"PostgreSQL does not answer ({type(error).__name__})",
                where="lineage database",
                untouched="events in the spool, which are read when it is back",
                remedy="look at `make status` and `make logs S=postgres`",
            ) from error

    def _migrate(self, connection: Connection) -> None:
        if not self._migrated:
            migrate(connection)
            self._migrated = True


def is_about_a_value(error: BaseException) -> bool:
    """Whether PostgreSQL refused a value, and not us: it would refuse it again, however often it is asked.

    A name that is too long for an index exceeds a program limit (SQLSTATE class 54), which psycopg counts among the
    failures of the server.
    """
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, psycopg.DataError | UnicodeError) or state.startswith("54")


def migrate(connection: Connection) -> None:
    """Bring the schema up to date: every file under ``migrations`` once, in order, each in a transaction."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [WRITER_LOCK])
        connection.execute(
            "create table if not exists migration (name text primary key, applied_at timestamptz not null)"
        )
        done = {row["name"] for row in connection.execute("select name from migration")}
        for name, sql in migrations():
            if name not in done:
                connection.execute(sql.encode())
                connection.execute("insert into migration values (%s, now())", [name])


def migrations() -> list[tuple[str, str]]:
    """The name and the statements of each migration, in order."""
    folder = resources.files("enginedge.lineage") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return [(file.name, file.read_text()) for file in sorted(files, key=lambda file: file.name)]


def one(connection: Connection, sql: str, parameters: Any = None) -> dict[str, Any] | None:
    """The first row of a query, or ``None``."""
    return connection.execute(sql.encode(), parameters).fetchone()
