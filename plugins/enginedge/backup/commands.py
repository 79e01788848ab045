"""``enginedge backup``: what the inventory says must survive the machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from enginedge.platform import load_platform
from enginedge.printing import print_json, print_table
from enginedge.settings import settings

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def backup() -> None:
    """What is backed up, from where and how."""


@app.command()
def plan(as_json: AsJson = False) -> None:
    """List what is to be backed up, and how, in the order of the inventory."""
    platform = load_platform(settings().root / "deploy" / "platform.yaml")
    things = [
        {"service": service.name, "what": thing.what, "how": thing.how.value}
        for service in platform.services
        for thing in service.backup
    ]
    if as_json:
        print_json(things)
        return
    table = Table("Service", "What", "How", box=None)
    for thing in things:
        table.add_row(*thing.values())
    print_table(table)
