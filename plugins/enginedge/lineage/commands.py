"""``enginedge lake lineage``: where a column comes from, what is missing from the graph, and mending what can be
mended.

It asks PostgreSQL itself, so it works while the relay is down.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from enginedge import trino
from enginedge.errors import Misconfigured
from enginedge.lineage.completeness import Report, completeness
from enginedge.lineage.graph import lineage as around
from enginedge.lineage.here import graph_here, promised, reconcile_here
from enginedge.lineage.read_datasets import dataset_row
from enginedge.lineage.reconcile import asked_history, refuse_gaps
from enginedge.lineage.walk import walk_to_sources
from enginedge.printing import console, print_json, print_table

app = typer.Typer(help="Where a column comes from, and what the graph lacks.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LONGEST_LOOK_BACK_H = 100_000
Hours = Annotated[float, typer.Option("--hours", help="How far to look back.")]


@app.command()
def graph(
    node: Annotated[str, typer.Argument(help="A table (mart.x), or a column of one (mart.x.column).")],
    depth: Annotated[int, typer.Option(help="How many jobs to go each way, for a table.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what feeds a table and what it feeds, or the ways from a column back to the stores."""
    parts = node.split(".", 2)
    if len(parts) < 2:
        raise Misconfigured(f"{node!r} names no table", remedy="give schema.table or schema.table.column")
    with graph_here() as (database, names), database.reading() as connection:
        table = ".".join(parts[:2])
        if len(parts) == 3:
            ways = [list(map(str, way)) for way in walk_to_sources(connection, names.metastore, table, parts[2])]
            return print_json(ways) if as_json else _print_ways(ways)
        row = dataset_row(connection, names.metastore, table)
        if row is None:
            raise Misconfigured(
                f"no table {table!r} is known", where="lineage", remedy="run a night first, or mend the name"
            )
        nodes = around(connection, job=None, dataset=row["id"], depth=depth)
        edges = [[edge["origin"], edge["destination"]] for found in nodes for edge in found["outEdges"]]
        if as_json:
            return print_json(edges)
        shown = Table("From", "To", box=None)
        for edge in edges:
            shown.add_row(*edge)
        return print_table(shown)


def _print_ways(ways: list[list[str]]) -> None:
    out = console()
    for way in ways:
        out.print("\n  <- ".join(way), highlight=False, soft_wrap=True)


@app.command("completeness")
def check(hours: Hours = 24, as_json: AsJson = False) -> None:
    """Say what is missing from the graph; ends with 4 when anything is."""
    since = _since(hours)
    with graph_here() as (database, names):
        history = asked_history(trino.query, names, since)
        with database.reading() as connection:
            report = completeness(connection, names, since, history=history, promised=promised())
    if as_json:
        print_json(report.as_json())
    else:
        _print_report(report)
    refuse_gaps(report)


@app.command()
def reconcile(hours: Hours = 24, as_json: AsJson = False) -> None:
    """Compare the graph with Trino's own history, make good the events that are lost, and say what is still missing."""
    found = reconcile_here(_since(hours))
    if as_json:
        print_json(found.as_json())
    else:
        console().print(f"{len(found.healed)} events were made good.", highlight=False)
        _print_report(found.report)
    refuse_gaps(found.report)


def _since(hours: float) -> datetime:
    if not 0 < hours <= LONGEST_LOOK_BACK_H:
        raise Misconfigured(
            f"{hours:g} hours can't be looked back",
            where="--hours",
            remedy=f"give a number above 0, up to {LONGEST_LOOK_BACK_H}",
        )
    return datetime.now(UTC) - timedelta(hours=hours)


def _print_report(report: Report) -> None:
    asked = "Trino did not answer" if report.queries is None else f"{report.queries} queries that wrote"
    console().print(
        f"{report.runs} runs, {report.tables} tables, {asked}; {len(report.missing)} missing.", highlight=False
    )
    if report.missing:
        shown = Table("Kind", "What", "Why", box=None)
        for one in report.missing:
            shown.add_row(one.kind, one.subject, one.message)
        print_table(shown)
