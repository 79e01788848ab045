"""``history_10x_over_1x``: a night on ten times the history over an equal night on the history that there was before.

A week is the history; then come RUNS weekdays that are measured. Twelve more weeks follow, and then the same weekdays
once more. All nights of a pair bring the same number of records to each table, which is checked.
"""

from __future__ import annotations

import json
import time
from datetime import date
from typing import Any

from tests.benchmarks.measure import Figure, figure
from tests.benchmarks.nights import seed
from tests.benchmarks.stack import Calendar, run, tell

NAME = "history_10x_over_1x"
WEEKS = 12
CATCH_UP_WEEKS = 4  # so many weeks at a time are read by one night while the history grows
LIKE, FEW = 0.05, 20  # a night's records of a table differ from those of its pair by no more than this share or number


def measure(runs: int, scale: float, calendar: Calendar) -> Figure:
    """RUNS nights (5 at most) before and after the history has grown."""
    _caught_up([calendar.week()], scale)
    before = _measured(calendar.week(), runs, scale)
    for _ in range(WEEKS // CATCH_UP_WEEKS):
        _caught_up([calendar.week() for _ in range(CATCH_UP_WEEKS)], scale)
    after = _measured(calendar.week(), runs, scale)
    for (night, _, few), (later, _, many) in zip(before, after, strict=True):
        _check_alike(night, few, later, many)
    return figure(NAME, [late / early for (_, early, _), (_, late, _) in zip(before, after, strict=True)], goal=1.1)


def _caught_up(weeks: list[list[date]], scale: float) -> None:
    """Seed the weeks and run their last night, which reads all of them."""
    days = [day for week in weeks for day in week]
    seed(days, scale)
    took, counts = _night(days[-1])
    tell(f"{len(days)} nights until {days[-1]} caught up in {took:.1f} s, {sum(counts.values()):,} records")


def _measured(week: list[date], runs: int, scale: float) -> list[tuple[date, float, dict[str, int]]]:
    """Each of the first ``runs`` days of the week: its seconds, and its records by table. The last days are seeded."""
    seed(week, scale)
    found = []
    for night in week[:runs]:
        took, counts = _night(night)
        tell(f"the night {night} in {took:.1f} s, {sum(counts.values()):,} records")
        found.append((night, took, counts))
    return found


def _night(night: date) -> tuple[float, dict[str, int]]:
    started = time.perf_counter()
    said: dict[str, Any] = json.loads(run("-m", "enginedge", "lake", "run", "--night", night.isoformat(), "--json"))
    return time.perf_counter() - started, {table["table"]: table["raw"] for table in said["tables"]}


def _check_alike(night: date, few: dict[str, int], later: date, many: dict[str, int]) -> None:
    """Raises:
    RuntimeError: a table of the platform got more or fewer records in one of the nights.
    """
    for table in few.keys() | many.keys():
        if table.startswith("core.airflow__"):
            continue  # what Airflow itself did meanwhile
        if abs(few[table] - many[table]) > max(FEW, LIKE * few[table]):
            raise RuntimeError(f"{table}: {few[table]} records in {night}, but {many[table]} in {later}")
