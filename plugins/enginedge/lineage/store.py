"""Stores events: the event itself and what it changes, in one transaction, before anybody is told that it was taken."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg.types.json import Jsonb

from enginedge.lineage.database import Connection, Database, is_about_a_value
from enginedge.lineage.events import Event, Refused
from enginedge.lineage.project_runs import project


def take(database: Database, events: Iterable[Event], *, origin: str = "post") -> int:
    """Store ``events`` in the order given, all or none; returns how many.

    Raises:
        Unavailable: PostgreSQL does not answer; nothing was stored.
        Refused: an event holds a value that can't be stored; nothing was stored.
    """
    try:
        with database.writing() as connection:
            return sum(add(connection, event, origin) for event in events)
    except RecursionError as error:
        raise Refused(422, ["the event is nested too deeply"]) from error
    except (psycopg.Error, UnicodeError) as error:
        if not is_about_a_value(error):
            raise
        raise Refused(422, [f"a value can't be stored: {error}"]) from error


def add(connection: Connection, event: Event, origin: str) -> int:
    """Store one event in the caller's transaction; returns 1, or 0 for one that is not worth keeping."""
    if not event.is_worth_keeping:
        return 0
    job = event.body.get("job") or {}
    connection.execute(
        """insert into event (kind, event_time, event_type, run_id, job_namespace, job_name, origin, body)
           values (%s, %s, %s, %s, %s, %s, %s, %s)""",
        [
            event.kind,
            event.time,
            event.type,
            (event.body.get("run") or {}).get("runId"),
            job.get("namespace"),
            job.get("name"),
            origin,
            Jsonb(event.body),
        ],
    )
    project(connection, event)
    return 1
