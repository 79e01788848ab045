"""``enginedge lake seed``: fill the platform's stores with the sample, so that the lake has something real to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from enginedge.errors import Misconfigured
from enginedge.printing import print_table

if TYPE_CHECKING:
    from enginedge.sample.night import Night
    from enginedge.sample.seeding import Tell
    from enginedge.sample.writers import Written


def register(app: typer.Typer) -> None:
    """Add the verb ``seed`` to the lake's verbs."""
    app.command("seed")(seed)


def seed(
    nights: Annotated[int, typer.Option(help="How many nights, ending with --until.")] = 1,
    scale: Annotated[float, typer.Option(help="1 is about 20,000 events and 4,100 other records a night.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Which world: the same number makes the same bytes.")] = 7,
    until: Annotated[str, typer.Option(help="The last night, YYYY-MM-DD in UTC; empty is yesterday.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")] = False,
) -> None:
    """Put the platform's own data of some nights into its real stores. Seeding a night twice adds nothing."""
    from enginedge.sample import seeding

    wanted = seeding.nights_until(_night(until) if until else seeding.last_night(), nights, scale, seed)
    with _progress(len(wanted) * len(seeding.STORES)) as tell:
        outcome = seeding.seed(wanted, tell)
    if as_json:
        typer.echo(json.dumps(_document(wanted, outcome)))
    else:
        print_table(_table(wanted, outcome))


def _night(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise Misconfigured(
            f"{given!r} is no date", where="--until", remedy="give a night as YYYY-MM-DD, such as 2026-11-23"
        ) from None


@contextmanager
def _progress(steps: int) -> Iterator[Tell]:
    """A bar on a terminal, a line a step elsewhere; both on standard error, so that the result can be piped."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda night, store: console.print(f"seeding {night.date} into {store}", highlight=False)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("seeding", total=steps)
        begun = 0

        def tell(night: Night, store: str) -> None:
            nonlocal begun
            progress.update(bar, description=f"{night.date} {store}", completed=begun)
            begun += 1

        yield tell


def _document(nights: list[Night], outcome: list[Written]) -> dict[str, object]:
    first = nights[0]
    return {
        "nights": [night.date.isoformat() for night in nights],
        "scale": first.scale,
        "seed": first.seed,
        "objects": [asdict(each) for each in outcome],
        "written": sum(each.written for each in outcome),
        "present": sum(each.present for each in outcome),
    }


def _table(nights: list[Night], outcome: list[Written]) -> Table:
    table = Table("store", "object", title=f"seeded {nights[0].date} to {nights[-1].date}", show_footer=True)
    for name, total in (
        ("written", sum(each.written for each in outcome)),
        ("already there", sum(each.present for each in outcome)),
    ):
        table.add_column(name, justify="right", footer=f"{total:,}")
    for each in outcome:
        table.add_row(each.store, each.object, f"{each.written:,}", f"{each.present:,}")
    return table
