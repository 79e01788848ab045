"""Compares the graph with what the engines say they did, heals what can be healed, and reports the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enginedge.errors import Unavailable, Violated
from enginedge.lineage.completeness import Query, Report, completeness, history_of_trino, untold
from enginedge.lineage.database import Database
from enginedge.lineage.healing import heal
from enginedge.lineage.naming import Names


@dataclass(frozen=True)
class Reconciled:
    """The queries whose event was made good, and what is missing after that."""

    healed: tuple[str, ...]
    report: Report

    def as_json(self) -> dict[str, Any]:
        return {"healed": list(self.healed), **self.report.as_json()}


def asked_history(ask: Callable[..., Any], names: Names, since: datetime) -> Sequence[Query] | None:
    """Trino's history, or ``None`` while Trino does not answer: the rest can still be judged."""
    try:
        return history_of_trino(ask, names, since)
    except Unavailable:
        return None


def reconcile(
    database: Database,
    names: Names,
    since: datetime,
    history: Sequence[Query] | None,
    promised: Collection[str] | None = None,
) -> Reconciled:
    """Make good what can be made good of all that is missing since then, and judge again.

    Raises:
        Unavailable: PostgreSQL does not answer.
    """
    with database.reading() as connection:
        lost = untold(connection, history or [])
    healed = heal(database, names, lost)
    with database.reading() as connection:
        return Reconciled(tuple(healed), completeness(connection, names, since, history=history, promised=promised))


def refuse_gaps(report: Report) -> None:
    """Go on only if nothing is missing.

    Raises:
        Violated: something is; the message names the first of it.
    """
    if report.missing:
        told = "; ".join(f"{one.subject}: {one.message}" for one in report.missing[:5])
        raise Violated(
            f"{len(report.missing)} things are missing from the lineage: {told}",
            where="lineage",
            untouched="the tables, which do not depend on it",
            remedy="run `enginedge lake lineage reconcile`; look whether the listener that should tell is on",
        )
