"""``night_by_airflow_over_command_line`` and ``stack_peak_pss_gib``: whole nights, by the DAG and by the command line.

A pair is two nights of one size; which of the two ways goes first changes from pair to pair. The stack's memory is
sampled meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from tests.benchmarks import memory
from tests.benchmarks.measure import Figure, figure, seconds
from tests.benchmarks.stack import WORLD, Calendar, run, tell

NAME = "night_by_airflow_over_command_line"


def by_airflow(night: date) -> None:
    """One night as the DAG runs it."""
    from enginedge.lake.airflow import Airflow

    airflow = Airflow()
    airflow.follow(airflow.ensure_run(night.isoformat(), {"night": night.isoformat()}), lambda _: None)


def by_command_line(night: date) -> None:
    """One night as the command line runs it."""
    run("-m", "enginedge", "lake", "run", "--night", night.isoformat(), "--json")


def seed(days: list[date], scale: float) -> None:
    """Put the sample of ``days``, which follow one another, into the platform's stores."""
    asked = ["--nights", str(len(days)), "--until", days[-1].isoformat(), "--scale", str(scale), "--seed", str(WORLD)]
    run("-m", "enginedge", "lake", "seed", *asked, "--json")


def measure(runs: int, scale: float, calendar: Calendar) -> list[Figure]:
    """Alternate nights by Airflow and by the command line, on weekdays; the first of each way do not count."""
    before = calendar.week()
    seed(before, scale)
    by_command_line(before[-1])
    first, *days = _weekdays(1 + 2 * runs, scale, calendar)
    by_airflow(first)
    ratios: list[float] = []
    peaks: list[float] = []
    for pair in range(runs):
        night, other = days[2 * pair : 2 * pair + 2]
        with memory.peak(peaks):
            if pair % 2 == 0:
                airflow, command_line = _timed(by_airflow, night), _timed(by_command_line, other)
            else:
                command_line, airflow = _timed(by_command_line, night), _timed(by_airflow, other)
        ratios.append(airflow / command_line)
    return [figure(NAME, ratios, goal=1.15), memory.figure_of(peaks)]


def _timed(way: Callable[[date], None], night: date) -> float:
    took = seconds(lambda: way(night))
    tell(f"the night {night} {way.__name__.replace('_', ' ')}: {took:.1f} s")
    return took


def _weekdays(count: int, scale: float, calendar: Calendar) -> list[date]:
    """So many days that are no weekend, each with its night's records; weekends are left out, and bring none."""
    days: list[date] = []
    while len(days) < count:
        week = calendar.week()[: min(5, count - len(days))]
        seed(week, scale)
        days += week
    return days
