"""How every verb prints: a table for people, JSON for scripts, both on standard output; a failure on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from enginedge.errors import EnginEdgeError, full_disks_named

WIDE, WIDEST = 220, 100_000


def print_json(value: Any) -> None:
    """Print ``value`` (of dictionaries, lists and plain values) as JSON, dates as text."""
    sys.stdout.write(json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n")


def say(line: str) -> None:
    """Progress goes to standard error, so that the result can be piped."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def console() -> Console:
    """Standard output; where no terminal says how wide it is, a row stays on one line, for grep.

    What is in brackets is printed as it is: a reason that names ``[/127.0.0.1:9083]`` is no markup.
    """
    return Console(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False)


def print_table(table: Table) -> None:
    """Print ``table`` on standard output, each row on one line: a terminal that is too narrow goes on in the next one,
    where a name or a command that was cut could not be copied."""
    wanted = Console(width=WIDEST, markup=False, emoji=False).measure(table).maximum
    out = console()
    out.width = max(out.width, wanted)
    out.print(table, crop=False)


def print_rows(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    """Print these ``columns`` of ``rows`` as a table, or all of them as JSON."""
    if as_json:
        return print_json(rows)
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*("" if row[each] is None else str(row[each]) for each in columns))
    return print_table(table)


def run_command(command: Callable[[], object]) -> None:
    """Run one command; a failure of ours is one paragraph on standard error, never a traceback, and the exit status of
    its kind."""
    try:
        with full_disks_named():
            command()
    except EnginEdgeError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(error.exit_status)
