"""A night, step by step, as the DAG and the command line both take it: refresh a source, reconcile, sum up.

What a night did is read back from the published tables through Trino, another engine than the one that wrote them; no
state of a run is kept anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from enginedge import trino
from enginedge.errors import Unavailable, Violated, full_disks_named
from enginedge.lake import declared, landing, marts, source_lineage, spark, spark_master
from enginedge.lake.contracts import contract
from enginedge.lake.counts import MartTotal, Summary, TableCounts
from enginedge.lake.leases import leased
from enginedge.settings import settings

QUERIES_AT_ONCE = 4
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
__all__ = ["MartTotal", "Summary", "TableCounts", "reconcile", "refresh_source", "summary"]


def refresh_source(
    source: str, night: str, run: str, full_refresh: bool = False, tell: spark.Tell | None = None
) -> list[TableCounts]:
    """Bring every table of ``source`` up to ``night`` (``YYYY-MM-DD``) and return what each of them published.

    A night that every table has published already starts no application and says so. ``full_refresh`` rebuilds core
    and quarantine from the whole of raw.

    Raises:
        Unavailable, Misconfigured, Violated: names the table or the service; that table is as it was.
    """
    with leased(declared.tables_of(source), f"{source}.{night} {run}"):
        counts = [] if full_refresh else _standing(source, night)
        if not counts:
            done = spark.submit(source, night, run, full_refresh, tell)
            counts = [TableCounts.from_facts(facts) for facts in done]
    with full_disks_named(str(settings().spool)):
        source_lineage.emit(counts, night)
    if source == landing.SOURCE:
        landing.ensure_external_tables()
    return counts


def _standing(source: str, night: str) -> list[TableCounts]:
    """What the tables of ``source`` published last, if each of them has published ``night`` or a later one.

    Nothing while Trino is down, or the metastore, for which Trino would wait half a minute: the application finds out
    by itself, only later.
    """
    with suppress(Unavailable):
        spark_master.reach("metastore")
        tables = declared.tables_of(source)
        if not trino.tables_of("core").issuperset(tables):
            return []
        seals = _seals(tables)
        if all(table in seals and seals[table]["night"] >= night for table in tables):
            return [TableCounts.from_facts({**seals[table], "status": "already published"}) for table in tables]
    return []


def reconcile(night: str, sources: Sequence[str] = declared.SOURCES) -> Summary:
    """The summary of ``night``, once every number in it was counted again in Trino.

    The tables of ``sources`` must have published it; those of others may have.

    For each core table: raw rows = accepted + quarantined + duplicate + superseded, raw and quarantine hold as many
    rows as the published snapshot says, the key names one row, and core grew by the rows that were new. For each mart:
    its measure equals the core total.

    Raises:
        Violated: names every table and number that does not add up.
    """
    found = summary(night)
    wrong = [sentence for of_table in _each(lambda each: [*_wrong(each)], found.tables) for sentence in of_table]
    wanted = {table for source in sources for table in declared.tables_of(source)}
    missing = wanted - {counts.table for counts in found.tables}
    wrong += [f"{table} has not published the night {night}" for table in sorted(missing)]
    if wrong:
        raise Violated(
            "; ".join(wrong),
            where=f"night {night}",
            remedy="read the table's log, then run the night with full refresh",
        )
    return found


def summary(night: str) -> Summary:
    """What stands published of ``night``; tables that have not published it are left out."""
    there = trino.tables_of("core")
    seals = _seals([table for table in declared.core_tables() if table in there], night)
    tables = tuple(TableCounts.from_facts(seal) for seal in seals.values())
    pages = {
        "Spark": ("spark-master", "ui"),
        "Trino": ("trino", "main"),
        "lineage": ("lineage", "main"),
        "Airflow": ("airflow-api", "main"),
    }
    links = {name: settings().endpoint(service, port).url for name, (service, port) in pages.items()}
    links["log"] = str(settings().state / "log" / "spark")
    return Summary(night, tables, tuple(_each(_total, _published_marts())), links)


def _seals(tables: Sequence[str], night: str | None = None) -> dict[str, dict[str, Any]]:
    """By table the newest sealed snapshot in the history of main, or the newest of ``night``, in the order of
    ``tables``; one that has none is left out.

    The tables must be there. They are asked for together: a query for each costs Trino several times as much.
    """
    if not tables:
        return {}
    snapshots, history = (
        " UNION ALL ".join(
            f"SELECT {trino.text(table)} AS name, * FROM {trino.quoted(*(table + kind).split('.', 1))}"  # noqa: S608
            for table in tables
        )
        for kind in ("$snapshots", "$history")
    )
    of_the_night = "AND element_at(summary, 'enginedge.night') = ? " if night else ""
    rows = trino.query(
        "SELECT name, snapshot_id, element_at(summary, 'enginedge.night'), element_at(summary, 'enginedge.run'), "  # noqa: S608
        "element_at(summary, 'enginedge.counts') FROM ("
        "SELECT name, snapshot_id, summary, row_number() OVER (PARTITION BY name ORDER BY committed_at DESC) AS newest "
        f"FROM ({snapshots}) s WHERE element_at(summary, 'enginedge.counts') IS NOT NULL {of_the_night}"
        f"AND (name, snapshot_id) IN (SELECT name, snapshot_id FROM ({history}) h WHERE is_current_ancestor)"
        ") WHERE newest = 1",
        parameters=[night] if night else None,
    ).rows
    found = {
        table: {"table": table, "snapshot": at, "night": of, "run": run, "status": "published", **json.loads(counts)}
        for table, at, of, run, counts in rows
    }
    return {table: found[table] for table in tables if table in found}


def _wrong(counts: TableCounts) -> Iterable[str]:
    promised = contract(counts.table)
    if not counts.reconciles:
        yield f"{counts.table}: {counts.raw} raw rows do not add up"
    nights = counts.nights.replace("_night", '"_night"')
    raw, quarantine, core = (trino.quoted(schema, promised.name) for schema in ("raw", "quarantine", "core"))
    keys = ", ".join(trino.quoted(column) for column in promised.key)
    in_raw, in_quarantine, doubled, *rebuilt = _counts(
        f"{raw} WHERE {nights}",
        f"{quarantine} WHERE {nights}",
        f"(SELECT {keys} FROM {core} GROUP BY {keys} HAVING count(*) > 1)",  # noqa: S608
        *([f"{core} FOR VERSION AS OF {counts.snapshot}"] if counts.full_refresh else []),
    )
    for schema, there, expected in (("raw", in_raw, counts.raw), ("quarantine", in_quarantine, counts.quarantined)):
        if there != expected:
            yield f"{schema}.{promised.name} holds {there} rows, {counts.table} says {expected}"
    if doubled:
        yield f"{counts.table}: {promised.unique.name} is broken by {doubled} keys"
    if rebuilt not in ([], [counts.accepted]):
        yield f"{counts.table} holds {rebuilt[0]} rows after its rebuild, and accepted {counts.accepted}"


def _counts(*relations: str) -> list[int]:
    """How many rows each of ``relations`` has, asked in one query."""
    asked = ", ".join(f"(SELECT count(*) FROM {relation})" for relation in relations)  # noqa: S608
    return [int(str(count)) for count in trino.query(f"SELECT {asked}").rows[0]]


def _published_marts() -> list[declared.Mart]:
    there = trino.tables_of("mart")
    return [each for each in declared.marts() if each.name in there]


def _total(mart: declared.Mart) -> MartTotal:
    """A published mart with its measure, which is held against core."""
    (rows,) = _counts(trino.quoted("mart", mart.model))
    return MartTotal(mart.name, rows, marts.check_measure(mart.name))


def _each(ask: Callable[[Asked], Answer], about: Iterable[Asked]) -> list[Answer]:
    """What ``ask`` answers about each, in that order; some are asked at once, since small queries mostly wait."""
    with ThreadPoolExecutor(QUERIES_AT_ONCE) as pool:
        return list(pool.map(ask, about))
