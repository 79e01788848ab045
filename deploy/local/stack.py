"""The local stack's command line: ``python -m deploy.local.stack up | down | status | logs | stop | start``."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from deploy.local import credentials, remains
from deploy.local.bring_up import BringUp, last_lines, stop_service, take_down
from deploy.local.layout import Local, local
from deploy.local.status import Row, look
from deploy.local.supervisor import Supervisor
from enginedge.errors import Misconfigured
from enginedge.one_at_a_time import one_at_a_time
from enginedge.printing import print_json, print_table, run_command

app = typer.Typer(help="The whole platform on one machine.", no_args_is_help=True, pretty_exceptions_enable=False)
Name = Annotated[str, typer.Argument(help="A service of deploy/platform.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def up(only: Annotated[str, typer.Option(help="Only these (a,b) and what they depend on.")] = "") -> None:
    """Bring every service up and return when all are Ready; what is up already is left alone."""
    began = time.monotonic()
    here = local()
    names = [name for name in only.split(",") if name] or [service.name for service in here.platform.services]
    services = here.platform.with_dependencies(names)
    with _alone(here):
        credentials.refuse_lost(here.settings.secrets, here.state / "data")
        credentials.generate_missing(here.settings.secrets)
        supervisor = Supervisor(here)
        if not supervisor.is_alive():
            for old in remains.end_stack(here):
                _say(f"{old.pid}", f"ended, a process of an earlier stack: {old.command[:60]}", 0)
            supervisor.start()
        BringUp(here, supervisor, services, _say).run()
    _say("stack", f"{len(services)} services Ready", time.monotonic() - began)


@app.command()
def down() -> None:
    """Stop every service and return when all processes are gone."""
    here = local()
    with _alone(here):
        take_down(here, Supervisor(here), _say)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say of every service whether it works, where it is and what opens it."""
    here = local()
    rows = look(here, Supervisor(here))
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        print_table(_table(rows))


@app.command()
def logs(name: Name, lines: int = 200, follow: bool = False) -> None:
    """Print the end of a service's log, and go on printing with --follow."""
    here = local()
    log = here.log(name if name in ("supervisor", "prober") else here.platform.service(name).name)
    if not log.exists():
        raise Misconfigured(f"{name} has written no log yet", where=str(log), remedy="run `make up`")
    if follow:
        os.execvp("tail", ["tail", f"-n{lines}", "-F", str(log)])  # noqa: S606  (no shell is what we want)
    print("\n".join(last_lines(log, lines)))


@app.command()
def stop(name: Name) -> None:
    """Stop one service; nothing else is stopped."""
    here = local()
    service = here.platform.service(name)
    with _alone(here):
        stop_service(here, Supervisor(here), service)


@app.command()
def start(name: Name) -> None:
    """Start one service and return when it is Ready."""
    here = local()
    with _alone(here):
        BringUp(here, Supervisor(here), [here.platform.service(name)], _say).run()


def _alone(here: Local) -> AbstractContextManager[None]:
    """One command at a time changes the stack; a second one says which, and waits."""
    return one_at_a_time(here.run / "lock", lambda who: _say("stack", f"{who} is changing it; waiting", 0))


def _say(name: str, state: str, seconds: float) -> None:
    print(f"{name:<22} {state:<12} {seconds:6.1f} s", flush=True)


def _table(rows: list[Row]) -> Table:
    table = Table("Service", "State", "Pid", "Port", "MiB", "Restarts", "Page", "User", "Password file", box=None)
    for row in rows:
        state = row.state if not row.reason else f"{row.state}: {row.reason}"
        numbers = (row.pid or "", row.port or "", f"{row.memory_mib:.0f}", row.restarts)
        table.add_row(row.service, state, *map(str, numbers), row.url, row.user, row.secret_file)
    return table


if __name__ == "__main__":
    os.umask(0o077)
    run_command(app)
