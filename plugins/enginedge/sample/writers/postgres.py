"""The night's schedules into the table ``schedules`` of PostgreSQL's database ``platform``, a night in one transaction.

One seed runs at a time: the connection holds an advisory lock, so that two of them can't both find an event missing in
Kafka and both write it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection, sql

from enginedge.errors import Unavailable
from enginedge.logins import postgres_login
from enginedge.sample import schedules
from enginedge.sample.night import Night
from enginedge.sample.writers import Written, refused, silent
from enginedge.settings import settings

STORE = "postgres"
TABLE = """
create table if not exists public.schedules (
    schedule_id text primary key,
    user_id text not null,
    interview_id text,
    kind text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    timezone text not null,
    state text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
)
"""
INDEX = "create index if not exists schedules_updated_at on public.schedules (updated_at)"
GRANT = "do $$ begin if to_regrole('lake') is not null then grant select on public.schedules to lake; end if; end $$"


@contextmanager
def connected() -> Iterator[Connection]:
    """A connection that holds the lock of the seed until it is closed."""
    at = settings().endpoint(STORE)
    try:
        with psycopg.connect(
            **postgres_login("platform", "platform"),
            application_name=f"enginedge-seed of process {os.getpid()}",
            autocommit=True,
        ) as connection:
            _lock(connection, str(at))
            yield connection
    except psycopg.OperationalError as failure:
        if "authentication failed" in str(failure):
            raise refused("PostgreSQL", at, str(failure).strip(), "postgres-platform") from failure
        raise silent("PostgreSQL", at, str(failure).strip()) from failure
    except psycopg.errors.InsufficientPrivilege as failure:
        raise refused("PostgreSQL", at, str(failure).strip(), "postgres-platform") from failure


def _lock(connection: Connection, where: str) -> None:
    row = connection.execute("select pg_try_advisory_lock(hashtext('enginedge lake seed'))").fetchone()
    if not (row and row[0]):
        raise Unavailable(
            f"another seed is running: {_holder(connection)}",
            where=where,
            untouched="anything",
            remedy="wait until it has ended, then seed again",
        )


def _holder(connection: Connection) -> str:
    """Who holds the lock, by the name of its connection."""
    row = connection.execute(
        "select a.application_name from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' "
        "and l.granted and l.objid::bigint = hashtext('enginedge lake seed')::bigint & 4294967295"
    ).fetchone()
    return str(row[0]) if row else "it has just ended"


def write(night: Night, connection: Connection) -> Iterator[Written]:
    """Write the night's appointments and its changes to earlier ones; all of them are visible at once, or none."""
    for statement in (TABLE, INDEX, GRANT):
        connection.execute(statement)
    with connection.transaction(), connection.cursor() as cursor:
        rows = list(schedules.records(night))
        columns = list(rows[0])
        insert = sql.SQL("insert into public.schedules ({}) values ({}) on conflict (schedule_id) do nothing").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(map(sql.Placeholder, columns))
        )
        cursor.executemany(insert, rows)
        new = cursor.rowcount
        revised, kept = _revise(connection, night)
    yield Written(STORE, schedules.TABLE, new + revised, len(rows) - new + kept)


def _revise(connection: Connection, night: Night) -> tuple[int, int]:
    """How many rows were older and are changed now, and how many existed and are as new already."""
    changed = existing = 0
    for revision in schedules.revised(night):
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(column)) for column in revision.changed
        )
        update = sql.SQL(
            "update public.schedules set {}, updated_at = %(at)s where schedule_id = %(key)s and updated_at < %(at)s"
        ).format(assignments)
        given = {**revision.changed, "at": revision.at, "key": revision.key}
        changed += connection.execute(update, given).rowcount
        row = connection.execute("select 1 from public.schedules where schedule_id = %s", [revision.key]).fetchone()
        existing += row is not None
    return changed, existing - changed
