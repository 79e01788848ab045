"""How a benchmark measures here: the two sides in alternation, in one run, and the ratio of each pair.

The machine is small and noisy, so a figure is the median of the pairs' ratios with their spread (minimum to maximum),
and never a single time.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from enginedge.printing import print_table

OUT = Path(__file__).resolve().parents[2] / ".bench"


@dataclass(frozen=True)
class Figure:
    """One benchmark's outcome; ``goal`` is an upper bound in ``unit``, or None where none was set."""

    name: str
    median: float
    spread: tuple[float, float]
    runs: int
    goal: float | None
    unit: str = "ratio"


def seconds(act: Callable[[], object]) -> float:
    """Wall seconds that ``act`` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def paired(
    name: str, ours: Callable[[], float], theirs: Callable[[], float], *, runs: int, goal: float | None
) -> Figure:
    """``ours`` over ``theirs``, each returning its seconds, measured in turn ``runs`` times."""
    ratios = [ours() / theirs() for _ in range(runs)]
    return figure(name, ratios, goal=goal)


def figure(name: str, values: list[float], *, goal: float | None, unit: str = "ratio") -> Figure:
    """The median and the spread of ``values``."""
    return Figure(name, statistics.median(values), (min(values), max(values)), len(values), goal, unit)


def publish(area: str, figures: list[Figure]) -> None:
    """Print the figures and write them to ``.bench/<area>.json``, keeping those that this run did not measure."""
    path = OUT / f"{area}.json"
    kept = {entry["name"]: entry for entry in json.loads(path.read_text())} if path.exists() else {}
    kept.update({each.name: asdict(each) for each in figures})
    OUT.mkdir(exist_ok=True)
    path.write_text(json.dumps(list(kept.values()), indent=2) + "\n")
    table = Table("benchmark", "median", "spread", "runs", "goal", "unit", title=area)
    for each in figures:
        low, high = each.spread
        goal = "" if each.goal is None else f"≤ {each.goal:g}"
        table.add_row(each.name, f"{each.median:.3f}", f"{low:.3f} to {high:.3f}", str(each.runs), goal, each.unit)
    print_table(table)
