"""The command line: ``enginedge <capability> <verb>``, and ``enginedge restore``, for the hour when words are few.

It has every verb that a DAG has, because Airflow may be what is down. It exits with 2 when the repository or its
configuration is wrong, 3 when a service did not answer, 4 when a promise was broken; the message goes to standard
error.
"""

from __future__ import annotations

import typer

from enginedge.backup import commands as backup
from enginedge.backup.restore_command import restore
from enginedge.deploy import commands as deploy
from enginedge.health import commands as health
from enginedge.lake import commands as lake
from enginedge.printing import run_command

app = typer.Typer(
    name="enginedge",
    help="Runs the EnginEdge platform: lake, backup, deploy, health.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(lake.app, name="lake", help="Seed the sources, run nights, read tables and their lineage.")
app.add_typer(backup.app, name="backup", help="What is backed up, from where and how.")
app.command()(restore)
app.add_typer(deploy.app, name="deploy", help="The platform's inventory.")
app.add_typer(health.app, name="health", help="Ask every service whether it does its work.")


def main() -> None:
    """Run one verb."""
    run_command(app)
