"""The drill of the lake: two backups restored into scratch as one, read by a metastore and a Trino of their own.

Each backup may be whole by itself while the pair is not. Here every table that the restored database names is read,
row by row, and compared with what is known of the dumped moment: a mart with its digest, another table with the number
of rows that its metadata tells, or that the running Trino counted where rows had been deleted.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from enginedge import trino
from enginedge.backup import lake_tables, night, pairs
from enginedge.backup.drills import told
from enginedge.backup.object_store import ObjectStore
from enginedge.backup.pairs import Pair
from enginedge.backup.scratch.metastore import scratch_metastore
from enginedge.backup.scratch.trino import scratch_trino
from enginedge.backup.shapes import DrillReport, Dumped, Pointed, Repository
from enginedge.backup.sources.postgres import ROLES, Server
from enginedge.backup.stores import Store
from enginedge.engines.trino import FILES, LAKE
from enginedge.errors import EnginEdgeError, Misconfigured, Violated
from enginedge.settings import Endpoint
from enginedge.table_digest import digest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT_ONCE = 2


@dataclass(frozen=True)
class Scratch:
    """What was restored, and the Trino that reads it; ``restore_s`` is what the two restores took."""

    database: Server
    store: ObjectStore
    trino: Endpoint
    restore_s: float


@dataclass(frozen=True)
class Verdict:
    """What one table turned out to be: its rows, what is wrong with it, and what nothing was known to compare with."""

    table: str
    rows: int = 0
    wrong: str = ""
    uncompared: str = ""


def drill(pair: Pair, repository: Repository, naming: Store, holding: Store) -> DrillReport:
    """Restore both backups of ``pair`` into scratch, read every table there and compare it.

    Raises:
        Violated: a table is missing, cannot be read or differs; names each.
        Misconfigured: the backup does not say which tables there were.
        Unavailable: it could not be restored, or the scratch engines did not answer.
    """
    began = time.monotonic()
    with (
        night.reading(naming.name),
        night.reading(holding.name),
        restored(pair, repository, naming, holding) as scratch,
    ):
        verdicts = compare(pair, scratch)
    return DrillReport(
        store=pairs.LAKE,
        manifest=pair.id,
        drilled_at=datetime.now(UTC),
        restore_s=scratch.restore_s,
        drill_s=round(time.monotonic() - began, 3),
        parts=len(verdicts),
        told={
            "tables": len(verdicts),
            "rows": sum(each.rows for each in verdicts),
            "marts": sum(lake_tables.is_mart(each.table) and not each.uncompared for each in verdicts),
            "not_compared": {each.table: each.uncompared for each in verdicts if each.uncompared},
        },
    )


@contextmanager
def restored(pair: Pair, repository: Repository, naming: Store, holding: Store) -> Iterator[Scratch]:
    """Both backups, restored into servers of their own, with a metastore and a Trino on them."""
    with naming.scratch() as database, holding.scratch() as store:
        began = time.monotonic()
        naming.source.restore(_metastores(pair.naming.dumped), repository, database)
        naming.source.admit(database)
        holding.source.restore(pair.holding.dumped, repository, store)
        holding.source.admit(store)
        restore_s = round(time.monotonic() - began, 3)
        with scratch_metastore(database, store) as metastore, scratch_trino(metastore, store) as address:
            yield Scratch(database, store, address, restore_s)


def compare(pair: Pair, scratch: Scratch, only: Collection[str] = ()) -> list[Verdict]:
    """Compare every table in ``scratch``, or ``only`` these, with what ``pair`` tells of it.

    Raises:
        Violated: a table is missing, cannot be read or differs; names each.
        Misconfigured: the backup does not say which tables there were.
        Unavailable: the scratch Trino did not answer.
    """
    pointed = pair.naming.dumped.pointed
    if pointed is None:
        raise Misconfigured(
            "it names no table of the lake, so that there is nothing to compare",
            where=f"{pair.naming.store}, backup {pair.naming.id}",
            remedy="let a night run, then back up both stores again",
        )
    with scratch.database.connected(lake_tables.DATABASE) as connection:
        named = lake_tables.named_tables(connection, lake_tables.DATABASE)
    shown = _shown(scratch.trino)
    with scratch.store.client() as client, ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = list(
            pool.map(lambda table: _judged(table, pointed, named, shown, client, scratch.trino), only or pointed.tables)
        )
    extra = sorted((named.keys() | shown.keys()) - pointed.tables.keys())
    wrong = [each.wrong for each in verdicts if each.wrong] + [f"{each} was not in the backup" for each in extra]
    if wrong:
        _shown(scratch.trino)  # where Trino itself is what broke, this says so
        raise Violated(
            f"the restored lake is not what was dumped: {told(wrong)}",
            where=f"{pair.naming.store} {pair.naming.id} with {pair.holding.store} {pair.holding.id}",
            untouched="both backups",
            remedy="drill an older pair to find the last good one, then find out what spoilt this one",
        )
    return verdicts


def _judged(
    table: str, pointed: Pointed, named: dict[str, str], shown: dict[str, str], client: S3Client, at: Endpoint
) -> Verdict:
    location = pointed.tables[table]
    if table not in named:
        return Verdict(table, wrong=f"{table} is missing from the metastore's database")
    if named[table] != location:
        return Verdict(table, wrong=f"{table} lies at {named[table]}, not at {location}")
    if table not in shown:
        return Verdict(table, wrong=f"{table} is not among the tables that Trino shows")
    try:
        promised = _promised(table, pointed, location, client)
        found = digest(table, at=at, catalog=shown[table])
    except EnginEdgeError as failure:
        return Verdict(table, wrong=f"{table} cannot be read: {failure}")
    rows = found.partition(":")[0]
    if promised not in ("", found, rows):
        return Verdict(table, int(rows), wrong=f"{table} is {found}, not {promised}")
    if promised == found:
        return Verdict(table, int(rows))
    return Verdict(table, int(rows), uncompared=_uncompared(table, promised, pointed))


def _promised(table: str, pointed: Pointed, location: str, client: S3Client) -> str:
    """What ``table`` must be: a digest, a number of rows, or nothing where nothing is known."""
    if not location.endswith(lake_tables.METADATA):
        return ""
    rows = lake_tables.standing(client, location).rows
    return pointed.read.get(table, "" if rows is None else str(rows))


def _uncompared(table: str, promised: str, pointed: Pointed) -> str:
    """What of a table that is no worse than promised could not be compared."""
    why = pointed.unread.get(table) or pointed.unread.get(lake_tables.ALL_OTHERS) or "nothing tells it"
    if not promised:
        return f"its number of rows: {why}"
    return f"its digest: {why}" if lake_tables.is_mart(table) else ""


def _shown(at: Endpoint) -> dict[str, str]:
    """Every table that Trino shows, as ``schema.table``, and the catalog that it is read in."""
    found: dict[str, str] = {}
    for catalog in (FILES, LAKE):
        listed = trino.query(
            f"select table_schema, table_name from {catalog}.information_schema.tables "  # noqa: S608
            "where table_schema not in ('information_schema', 'system') and table_type = 'BASE TABLE'",
            at=at,
        )
        found |= {f"{schema}.{name}": catalog for schema, name in listed.rows}
    return found


def _metastores(dumped: Dumped) -> Dumped:
    """Of ``dumped`` the roles and the one database that names the lake's files."""
    wanted = (ROLES, lake_tables.DATABASE)
    return replace(dumped, objects=tuple(each for each in dumped.objects if each.name in wanted))
