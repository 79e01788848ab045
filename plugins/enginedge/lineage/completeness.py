"""Says what is missing from the graph: runs that never ended, tables without the origin they must have, queries not
told of.

An engine's listener can lose an event while its job succeeds, and a graph that lacks an edge looks just like one that
never had it. So what should be there is asked from elsewhere: each layer's tables must come from the layer before,
seen by the engine that moves the data, and Trino's own history knows every query that wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from enginedge.lineage.database import Connection
from enginedge.lineage.events import run_uuid
from enginedge.lineage.naming import LITERALS, Names, without_comments, written_table
from enginedge.lineage.walk import LISTENERS, SOURCE_SCHEMES, WAREHOUSES

GRACE = timedelta(minutes=10)
HISTORY = """select query_id, user, source, query, created, "end" from system.runtime.queries
    where state = 'FINISHED' and created >= from_iso8601_timestamp(?)"""
ORIGINS = {
    "core": ("raw", "Spark's listener saw no run that read {origin} and wrote it"),
    "mart": ("mart_next", "Trino's listener saw no query that read {origin} and wrote it"),
    "mart_next": ("core", "Trino's listener saw no query that read a core table and wrote it"),
    "raw": ("", "no run tells which store it comes from"),
}


@dataclass(frozen=True)
class Missing:
    """One thing that the graph lacks: its kind (open-run, no-origin, untold-query), its subject, and a sentence."""

    kind: str
    subject: str
    message: str


@dataclass(frozen=True)
class Query:
    """A statement that wrote a table, as Trino's history has it."""

    id: str
    user: str
    source: str
    sql: str
    created: datetime
    ended: datetime
    target: str


@dataclass(frozen=True)
class Report:
    """What was looked at since when, and what is missing."""

    since: datetime
    runs: int
    tables: int
    queries: int | None
    missing: tuple[Missing, ...]

    @property
    def is_complete(self) -> bool:
        return not self.missing

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "since": self.since.isoformat(), "complete": self.is_complete}


def completeness(
    connection: Connection,
    names: Names,
    since: datetime,
    *,
    history: Sequence[Query] | None,
    promised: Collection[str] | None = None,
    now: datetime | None = None,
) -> Report:
    """What is missing of all that happened from ``since`` on.

    Args:
        history: what Trino says it ran; ``None`` means that it was not asked.
        promised: the tables that a contract promises, whose origin is asked for; ``None`` means every table of a layer.
        now: the instant to judge from.
    """
    now = now or datetime.now(UTC)
    runs = connection.execute("select count(*) as n from run where has_spoken and updated_at >= %s", [since]).fetchone()
    tables = [
        table
        for table in written_tables(connection, names, since)
        if promised is None or promised_of(table) in promised
    ]
    missing = [*open_runs(connection, since, now), *without_origin(connection, tables, since)]
    missing += [
        Missing(
            "untold-query", query.id, f"Trino ran it ({query.target}, source {query.source or '-'}), but no event came"
        )
        for query in untold(connection, history or [])
    ]
    queries = None if history is None else len(history)
    return Report(since, runs["n"] if runs else 0, len(tables), queries, tuple(missing))


def promised_of(table: str) -> str:
    """The table that a contract promises where ``table`` is written: what is built in ``mart_next`` is a mart's."""
    return re.sub(r"^mart_next\.", "mart.", table)


def open_runs(connection: Connection, since: datetime, now: datetime) -> list[Missing]:
    """Runs that began, and have neither ended nor said anything for a while; their children speak for them."""
    rows = connection.execute(
        """select r.id, j.namespace, j.name, r.updated_at from run r join job j on j.id = r.job
           where r.state in ('NEW', 'RUNNING') and r.has_spoken and j.type <> 'STREAM'
             and r.updated_at >= %s and r.updated_at < %s
             and not exists (select from run child where child.parent = r.id and child.updated_at >= %s)
             and not exists (select from run later where later.job = r.job and later.state = 'COMPLETED'
                             and later.updated_at > r.updated_at)
           order by r.updated_at""",
        [since, now - GRACE, now - GRACE],
    )
    return [
        Missing(
            "open-run", f"{row['namespace']}:{row['name']}", f"run {row['id']} spoke last at {row['updated_at']:%F %T}Z"
        )
        for row in rows
    ]


def written_tables(connection: Connection, names: Names, since: datetime) -> list[str]:
    """The lake's tables that some run has written rows to since then; making an empty one does not count."""
    rows = connection.execute(
        """select distinct d.name from run_dataset o join run r on r.id = o.run_id join dataset d on d.id = o.dataset
           left join dataset_version v on v.version = o.version
           where o.direction = 'out' and d.namespace = %s and r.updated_at >= %s and not d.hidden
             and r.state = 'COMPLETED' and v.lifecycle is distinct from 'CREATE'
             and split_part(d.name, '.', 1) = any(%s) order by d.name""",
        [names.metastore, since, list(ORIGINS)],
    )
    return [row["name"] for row in rows]


def without_origin(connection: Connection, tables: list[str], since: datetime) -> list[Missing]:
    """Those of ``tables`` that no run since then joins with the layer that they must come from."""
    origins: dict[str, set[tuple[str, str]]] = {table: set() for table in tables}
    for row in connection.execute(
        """select distinct t.name as target, s.namespace, s.name
           from run_dataset i join run_dataset o on o.run_id = i.run_id and o.direction = 'out'
           join run r on r.id = i.run_id join job j on j.id = r.job
           join dataset s on s.id = i.dataset join dataset t on t.id = o.dataset
           where i.direction = 'in' and t.name = any(%s) and r.updated_at >= %s
             and (upper(j.integration) = any(%s) or split_part(t.name, '.', 1) = 'raw')""",
        [tables, since, list(LISTENERS)],
    ):
        origins[row["target"]].add((row["namespace"], row["name"]))
    found = []
    for table, sources in origins.items():
        layer, _, name = table.partition(".")
        wanted, sentence = ORIGINS[layer]
        if not any(_fits(layer, wanted, name, source) for source in sources):
            found.append(Missing("no-origin", table, sentence.format(origin=f"{wanted}.{name}")))
    return found


def _fits(layer: str, wanted: str, name: str, source: tuple[str, str]) -> bool:
    namespace, dataset = source
    if layer == "raw":
        return namespace.partition("://")[0] in SOURCE_SCHEMES and namespace not in WAREHOUSES
    return dataset.startswith("core.") if layer == "mart_next" else dataset == f"{wanted}.{name}"


def untold(connection: Connection, history: Sequence[Query]) -> list[Query]:
    """Those queries of which no run is known: Trino's listener makes the run id from the query id."""
    told = connection.execute(
        "select id from run where has_spoken and state <> 'RUNNING' and id = any(%s)",
        [[run_uuid(query.id) for query in history]],
    )
    known = {row["id"] for row in told}
    return [query for query in history if run_uuid(query.id) not in known]


def written_by(rows: Sequence[tuple[Any, ...]], names: Names) -> list[Query]:
    """The rows of Trino's history that wrote rows into a table, as queries."""
    found = []
    for query_id, user, source, sql, created, ended in rows:
        target = written_table(sql, names)
        if target and _moves_rows(LITERALS.sub("''", without_comments(sql)).lower().split()):
            found.append(Query(query_id, user or "", source or "", sql, created, ended or created, target))
    return found


def _moves_rows(words: list[str]) -> bool:
    """Whether a statement of these words is an INSERT, a MERGE or a CREATE TABLE AS."""
    if words[0] in ("insert", "merge"):
        return True
    return words[0] == "create" and "view" not in words[:4] and ("as" in words or "as(" in " ".join(words))


def history_of_trino(ask: Callable[..., Any], names: Names, since: datetime) -> list[Query]:
    """What Trino ran since then; ``ask`` is :func:`enginedge.trino.query`.

    Raises:
        Unavailable: Trino does not answer.
    """
    answer = ask(HISTORY, user="admin", source="enginedge-lineage", parameters=[since.isoformat()])
    return written_by(answer.rows, names)
