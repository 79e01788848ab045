"""The graph of this installation: its database, its names, and what its contracts promise.

It asks PostgreSQL itself, so it works while the relay is down.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from enginedge import trino
from enginedge.errors import EnginEdgeError
from enginedge.lake.contracts import contracts
from enginedge.lake.declared import marts
from enginedge.lineage.database import Database, conninfo
from enginedge.lineage.naming import Names
from enginedge.lineage.reconcile import Reconciled, asked_history, reconcile
from enginedge.settings import settings

SPOOL_IS_READ_WITHIN_S = 20.0


def names_here() -> Names:
    """The names of this installation: its metastore, the lake's bucket and catalogs."""
    return Names(metastore=f"hive://{settings().endpoint('metastore')}")


@contextmanager
def graph_here() -> Iterator[tuple[Database, Names]]:
    """The database of the graph and the names that its tables go by."""
    database = Database(conninfo(), connections=1)
    try:
        yield database, names_here()
    finally:
        database.close()


def promised() -> frozenset[str]:
    """Every table that the repository promises: those with a contract, and the marts."""
    return frozenset({contract.table for contract in contracts()} | {mart.name for mart in marts()})


def reconcile_here(since: datetime) -> Reconciled:
    """Compare the graph with Trino's history from ``since`` on, make good the lost events, and report what is missing.

    Raises:
        Unavailable: PostgreSQL does not answer.
    """
    with graph_here() as (database, names):
        return reconcile(database, names, since, asked_history(trino.query, names, since), promised())


def last_words(since: datetime) -> str:
    """One line on the lineage of what ran from ``since`` on: that it is complete, or what is missing.

    The relay reads the spool a moment after it is written, so that a gap is believed only once it has had its time.
    Lineage never fails a night: its tables are published, and the line says what to do.
    """
    until = time.monotonic() + SPOOL_IS_READ_WITHIN_S
    while True:
        try:
            report = reconcile_here(since).report
        except EnginEdgeError as error:
            return f"lineage: not known, {error}"
        if report.is_complete:
            return f"lineage: complete, {report.runs:,} runs and {report.tables:,} tables"
        if time.monotonic() > until:
            missing = "; ".join(f"{each.subject}: {each.message}" for each in report.missing[:5])
            return f"lineage: {len(report.missing)} missing, run `enginedge lake lineage reconcile`: {missing}"
        time.sleep(2)
