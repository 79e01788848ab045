"""``enginedge deploy``: what the inventory says, for people, scripts and editors."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.table import Table

from enginedge.platform import Service, load_platform
from enginedge.platform.schema import json_schema
from enginedge.printing import print_json, print_table
from enginedge.settings import settings

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def inventory(as_json: AsJson = False) -> None:
    """List every service: its ports as they are here, what it waits for and what of it is backed up."""
    platform = load_platform(settings().root / "deploy" / "platform.yaml")
    if as_json:
        print_json(platform.model_dump(mode="json"))
        return
    table = Table("Service", "What", "Ports", "Waits for", "Proof of readiness", "Backed up", box=None)
    for service in platform.services:
        table.add_row(service.name, service.title, *_described(service))
    print_table(table)


def _described(service: Service) -> tuple[str, str, str, str]:
    ports = ", ".join(f"{port} {settings().endpoint(service.name, port).port}" for port in service.ports)
    proof = " ".join(filter(None, (service.readiness.probe.value, service.readiness.asks)))
    backups = ", ".join(f"{backup.what} ({backup.how})" for backup in service.backup)
    return ports, ", ".join(service.depends_on), proof, backups


@app.command()
def schema(as_json: AsJson = False) -> None:  # noqa: ARG001  (it prints JSON either way)
    """Print the inventory's JSON Schema; ``deploy/platform.schema.json`` is this output."""
    sys.stdout.write(json_schema())
