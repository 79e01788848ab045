"""``enginedge lake …``: seed the sources, run a night, read what came of it."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from enginedge.lake import seed_command
from enginedge.lineage import commands as lineage
from enginedge.printing import console, say

app = typer.Typer(no_args_is_help=True)
seed_command.register(app)
app.add_typer(lineage.app, name="lineage", help="Where a column comes from, and what the graph lacks.")

Night = Annotated[str, typer.Option("--night", help="The night, YYYY-MM-DD in UTC; empty is yesterday.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")]


@app.command("run")
def run(
    night: Night = "",
    source: Annotated[list[str] | None, typer.Option("--source", help="One source; repeat it. Default: all.")] = None,
    full_refresh: Annotated[bool, typer.Option(help="Rebuild core and quarantine from the whole of raw.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the lake up to a night, as the DAG refresh_lake does, without Airflow."""
    from enginedge.lake.requests import read_request
    from enginedge.lake.run import run_night
    from enginedge.lineage.here import last_words

    conf = {"night": night or None, "sources": source or None, "full_refresh": full_refresh}
    began = datetime.now(UTC)
    summary = run_night(read_request(conf, began), f"command-line-{uuid.uuid4().hex[:8]}", say)
    say(last_words(began))
    typer.echo(json.dumps(asdict(summary), default=str) if as_json else str(summary))


@app.command("summary")
def summary(night: Night = "", as_json: AsJson = False) -> None:
    """What the last run of a night took in, accepted, set aside and published."""
    from enginedge.lake import night as nights
    from enginedge.lake.requests import read_request

    found = nights.summary(read_request({"night": night or None}, datetime.now(UTC)).night)
    typer.echo(json.dumps(asdict(found), default=str) if as_json else str(found))


@app.command("reconcile")
def reconcile(night: Night = "", as_json: AsJson = False) -> None:
    """Ask whether every count adds up: each table's records, and each mart's measure against core."""
    from enginedge.lake import night as nights
    from enginedge.lake.requests import read_request

    checked = read_request({"night": night or None}, datetime.now(UTC)).night
    nights.reconcile(checked)
    typer.echo(json.dumps({"night": checked, "reconciled": True}) if as_json else f"{checked}: every count adds up")


@app.command("tables")
def tables(as_json: AsJson = False) -> None:
    """Every table that an analyst may read, with its description, owner and freshness."""
    from enginedge.lake import analyst

    found = analyst.tables()
    typer.echo(found.to_json(orient="records", date_format="iso") if as_json else found.to_string(index=False))


@app.command("last-published")
def last_published(as_json: AsJson = False) -> None:
    """When a mart was last published (UTC): what was backed up since then has everything that readers see."""
    from enginedge.lake import marts

    moment = f"{marts.last_published():%Y-%m-%dT%H:%M:%S}"
    typer.echo(json.dumps({"last_published": moment}) if as_json else moment)


@app.command("first-night")
def first_night(
    night: Night = "",
    scale: Annotated[float, typer.Option(help="Of the sample that is seeded where a night has none.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Seed a night, let Airflow run it, and show what an analyst, an operator and an engineer see of it."""
    from enginedge.lake import first_night as first

    shown = first.run(night, scale, say)
    if as_json:
        typer.echo(json.dumps(asdict(shown), default=str))
    else:
        first.show(shown, console())
