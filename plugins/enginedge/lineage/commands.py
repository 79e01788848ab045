"""``enginedge lake lineage``: where a column comes from, what is missing from the graph, and mending what can be mended."""

from __future__ import annotations

import typer

app = typer.Typer(help="Where a table's columns come from, and whether the events are complete.", no_args_is_help=True)


@app.callback()
def lineage() -> None:
    """Where a table's columns come from, and whether the events are complete."""
