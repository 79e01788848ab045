"""One writer a table: a lease is an advisory lock of PostgreSQL, held by the process that submits the work.

The lock lives as long as the connection, so a killed holder frees it by dying; nothing has to expire and nothing is
left behind. It keeps two nights from doing the same work twice; what keeps the *effect* single is the publication
itself. A holder whose connection is ended (PostgreSQL was restarted, say) loses its leases and does not hear of it: a
publication that can't tell by itself that somebody else was there asks :meth:`Lease.confirm` right before. The holder's
name stands in its connection's ``application_name``, where whoever waits can read it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from enginedge.errors import Misconfigured, Unavailable
from enginedge.logins import postgres_login
from enginedge.settings import settings

if TYPE_CHECKING:
    import psycopg

PATIENCE_S = 1800.0
ASK_EVERY_S = 0.5
NAME_MARK = "enginedge lease of "


@dataclass(frozen=True)
class Lease:
    """The leases of ``tables``, held by one connection."""

    tables: tuple[str, ...]
    _connection: psycopg.Connection

    def confirm(self) -> None:
        """Return when every one of them is still held.

        Raises:
            Unavailable: one is not, and somebody else may be at work on its table.
        """
        import psycopg

        try:
            lost = [table for table in self.tables if not self._holds(table)]
        except psycopg.OperationalError:
            lost = list(self.tables)
        if lost:
            raise Unavailable(
                "the lease was lost in the middle of the work",
                where=", ".join(lost),
                untouched="what is published",
                remedy="look at `make logs S=postgres`, then run the night again",
            )

    def _holds(self, table: str) -> bool:
        holder = _holder(self._connection, table)
        return holder is not None and holder[0] == self._connection.info.backend_pid


@contextmanager
def leased(tables: Sequence[str], holder: str, patience_s: float = PATIENCE_S) -> Iterator[Lease]:
    """Hold the leases of ``tables`` inside the ``with``; they are taken in one order by everyone, so nobody deadlocks.

    Raises:
        Unavailable: another holder kept one of them for longer than ``patience_s`` (the message names it), or
            PostgreSQL does not answer.
        Misconfigured: PostgreSQL refuses the role ``lake``.
    """
    stop = time.monotonic() + patience_s
    with closing(_connected(holder)) as connection:
        with _silence_named():
            for table in sorted(tables):
                _wait_for(connection, table, stop)
        yield Lease(tuple(tables), connection)


def lock_number(table: str) -> int:
    """The number of the table's advisory lock: 63 bits of a digest, the same in every process."""
    return int.from_bytes(hashlib.sha256(f"enginedge lease {table}".encode()).digest()[:8], "big") >> 1


def _wait_for(connection: psycopg.Connection, table: str, stop: float) -> None:
    while not _take(connection, table):
        if time.monotonic() >= stop:
            holder = _holder(connection, table)
            raise Unavailable(
                f"the lease is held by {holder[1] if holder else 'somebody'}",
                where=table,
                untouched="the table",
                remedy="wait for that run, or stop it, then run the night again",
            )
        time.sleep(ASK_EVERY_S)


def _connected(holder: str) -> psycopg.Connection:
    import psycopg

    with _silence_named():
        return psycopg.connect(
            **postgres_login("platform", "lake"),
            application_name=f"{NAME_MARK}{holder}"[:63],
            autocommit=True,
            keepalives_idle=10,
        )


@contextmanager
def _silence_named() -> Iterator[None]:
    """Turn the client's exceptions into ours, inside the ``with``."""
    import psycopg

    try:
        yield
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        where = f"postgres at {settings().endpoint('postgres')}"
        if "authentication failed" in said:
            raise Misconfigured(
                f"it refuses the role lake: {said}", where=where, remedy="compare the secret"
            ) from error
        raise Unavailable(
            f"PostgreSQL does not answer: {said}",
            where=where,
            untouched="every table",
            remedy="look at `make status` and `make logs S=postgres`, then run the night again",
        ) from error


def _take(connection: psycopg.Connection, table: str) -> bool:
    found = connection.execute("SELECT pg_try_advisory_lock(%s)", [lock_number(table)]).fetchone()
    return bool(found and found[0])


def _holder(connection: psycopg.Connection, table: str) -> tuple[int, str] | None:
    """Who holds the lease of ``table``: the number of its server process, and its name."""
    number = lock_number(table)
    found = connection.execute(
        "SELECT pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = %s AND l.objid::bigint = %s",
        [number >> 32, number & 0xFFFFFFFF],
    ).fetchone()
    return (int(found[0]), str(found[1]).removeprefix(NAME_MARK)) if found else None
