"""The tables ``ops.…``, in which the platform tells of its own work, for whoever asks in SQL.

They are no second truth: each is replaced as a whole, in one commit of the lake, by what its owner knows, so that a
reader sees the old rows or the new ones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from enginedge import trino

SCHEMA, OWNER = "ops", "data-platform"
INSTANT = "timestamp(6) with time zone"


@dataclass(frozen=True)
class OpsTable:
    """One table: its name, what it says, and of each column the type in Trino and the description."""

    name: str
    description: str
    columns: dict[str, tuple[str, str]]


BACKUPS = OpsTable(
    "ops.backups",
    "Every backup that there is, as its signed manifest tells it.",
    {
        "store": ("varchar", "The store, as deploy/platform.yaml names it."),
        "backup_id": ("varchar", "The backup, as the command line names it."),
        "taken_at": (INSTANT, "The moment that it holds."),
        "duration_s": ("double", "How long it took, in seconds."),
        "read_bytes": ("bigint", "The bytes that were read."),
        "stored_bytes": ("bigint", "The bytes that it added to the repository."),
        "consistency": ("varchar", "Whether it is of one point in time."),
        "is_offsite": ("boolean", "Whether it is at the second place too; empty where that did not answer."),
        "verified_at": (INSTANT, "When a drill last proved it; empty where none did."),
        "restore_s": ("double", "How long the restore of that drill took, in seconds."),
    },
)
DRILLS = OpsTable(
    "ops.drills",
    "Every drill that proved a backup restorable, as it was written down beside the backups.",
    {
        "store": ("varchar", "The store; lake where metastore and buckets were proved as one."),
        "backup_id": ("varchar", "The backup that was restored."),
        "place": ("varchar", "Where it was read: primary or offsite."),
        "drilled_at": (INSTANT, "When the drill ended."),
        "restore_s": ("double", "How long the restore took, in seconds."),
        "drill_s": ("double", "How long all of it took, in seconds."),
        "parts": ("bigint", "How many parts of the fingerprint were compared."),
    },
)
TABLES = {each.name: each for each in (BACKUPS, DRILLS)}


def replace(table: OpsTable, rows: Sequence[Sequence[object]]) -> int:
    """Make ``rows``, each in the order of the columns, all that ``table`` holds, and return how many they are.

    Raises:
        Unavailable: Trino did not answer; the table is as it was.
    """
    _ask(table, f"create schema if not exists {SCHEMA} with (location = 's3://lake/{SCHEMA}')")
    _ask(table, statement(table, rows))
    return len(rows)


def statement(table: OpsTable, rows: Sequence[Sequence[object]]) -> str:
    """The one statement that replaces the table; the rows are one JSON text in it, which is quick to plan."""
    told = json.dumps(rows, default=_instant, separators=(",", ":"))
    read = ", ".join(f"{name} {'varchar' if type_ == INSTANT else type_}" for name, (type_, _) in table.columns.items())
    wanted = ", ".join(
        f"cast(from_iso8601_timestamp_nanos({name}) as {type_}) as {name}" if type_ == INSTANT else name
        for name, (type_, _) in table.columns.items()
    )
    return (
        f"create or replace table {table.name} comment {trino.text(table.description)} as select {wanted}"  # noqa: S608
        f" from unnest(cast(json_parse({trino.text(told)}) as array(row({read})))) as told ({', '.join(table.columns)})"
    )


def _ask(table: OpsTable, sql: str) -> None:
    trino.query(sql, source="ops", client_tags=[table.name])


def _instant(value: object) -> str:
    assert isinstance(value, datetime), value  # noqa: S101 - nothing else in a row is no JSON
    return value.isoformat(timespec="microseconds")
