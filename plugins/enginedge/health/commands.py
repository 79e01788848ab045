"""``enginedge health``: whether the platform does its work."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from enginedge.errors import Violated
from enginedge.health.check import Answer
from enginedge.health.check import check as ask_all
from enginedge.platform import load_platform
from enginedge.printing import print_json, print_table
from enginedge.settings import settings

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def health() -> None:
    """Ask every service whether it does its work."""


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Only these services.")] = None, as_json: AsJson = False
) -> None:
    """Ask every service once for real work, all at the same time; ends with 4 when one of them did not do it."""
    platform = load_platform(settings().root / "deploy" / "platform.yaml")
    answers = ask_all([platform.service(name) for name in names] if names else platform.services)
    if as_json:
        print_json([asdict(answer) for answer in answers])
    else:
        print_table(_table(answers))
    failed = [answer.service for answer in answers if not answer.is_ready]
    if failed:
        raise Violated(
            f"{len(failed)} of {len(answers)} services did not do their work: {', '.join(failed)}",
            remedy="look at `make status` and `make logs S=<service>`, then run `make up`",
        )


def _table(answers: list[Answer]) -> Table:
    table = Table("Service", "State", "Seconds", "Reason", box=None)
    for answer in answers:
        state = "ready" if answer.is_ready else "not ready"
        table.add_row(answer.service, state, f"{answer.seconds:.2f}", answer.reason)
    return table
