"""The lake's figures: ``make bench-lake``, or one of them: ``python -m tests.benchmarks.lake --only safety_tax``.

They are measured one after the other on one fresh stack; each has its own nights, and both sides of a ratio are
measured in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

import typer

from tests.benchmarks import dag_parse, history, memory, nights, safety_tax
from tests.benchmarks.measure import Figure, publish
from tests.benchmarks.stack import Calendar, a_year_ago, own_stack, tell

AREA = "lake"
NAMES = [dag_parse.NAME, history.NAME, nights.NAME, memory.NAME, safety_tax.NAME]
EVENTS_SCALE = 15.0  # times SCALE: one source alone is to work for as long as a night of all does


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(NAMES)}; repeat it. Default: all.")] = None,
    runs: Annotated[int, typer.Option(help="How many pairs each figure has.")] = 3,
    scale: Annotated[float, typer.Option(help="The size of a night; 1 is about 24,000 records.")] = 1.0,
    begin: Annotated[
        str, typer.Option(help="A Monday: measure on the benchmarks' stack as it stands, from then on, and leave it.")
    ] = "",
) -> None:
    """Measure, print, and write ``.bench/lake.json``, figure by figure."""
    wanted = set(only or NAMES)
    if unknown := wanted - set(NAMES):
        raise typer.BadParameter(f"no figure is called {', '.join(sorted(unknown))}", param_hint="--only")
    if dag_parse.NAME in wanted:
        publish(AREA, [dag_parse.measure(runs)])
    calendar = Calendar(date.fromisoformat(begin) if begin else a_year_ago())
    on_a_stack: list[tuple[set[str], Callable[[], list[Figure]]]] = [
        ({history.NAME}, lambda: [history.measure(runs, scale, calendar)]),
        ({nights.NAME, memory.NAME}, lambda: nights.measure(runs, scale, calendar)),
        ({safety_tax.NAME}, lambda: [safety_tax.measure(runs, EVENTS_SCALE * scale, calendar)]),
    ]
    chosen = [measure for names, measure in on_a_stack if wanted & names]
    if chosen:
        with own_stack(as_it_stands=bool(begin)):
            for measure in chosen:
                publish(AREA, [each for each in measure() if each.name in wanted])
    tell("measured")


if __name__ == "__main__":
    typer.run(main)
