"""``night_by_airflow_over_command_line`` and ``stack_peak_pss_gib``: whole nights, by the DAG and by the command line.

A pair is two nights of one size; which of the two ways goes first changes from pair to pair. The stack's memory is
sampled meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

from tests.benchmarks.measure import Figure, figure, seconds
from tests.benchmarks.stack import WORLD, Calendar, run, tell

RATIO, PEAK = "night_by_airflow_over_command_line", "stack_peak_pss_gib"
EVERY_S = 1.0


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
    """Alternate nights by Airflow and by the command line; the first night, which makes the tables, does not count."""
    before, *weeks = [calendar.week() for _ in range(1 + -(-2 * runs // 4))]
    seed([*before, *(day for week in weeks for day in week)], scale)
    by_command_line(before[-1])
    by_airflow(weeks[0][0])
    days = [day for week in weeks for day in week[1:5]]
    ratios: list[float] = []
    peaks: list[float] = []
    for pair in range(runs):
        first, second = days[2 * pair : 2 * pair + 2]
        airflow, command_line = (first, second) if pair % 2 == 0 else (second, first)
        took: dict[str, float] = {}
        ways: dict[date, tuple[str, Callable[[date], None]]] = {
            airflow: ("Airflow", by_airflow),
            command_line: ("command line", by_command_line),
        }
        with peak_memory(peaks):
            for night in (first, second):
                name, act = ways[night]
                took[name] = seconds(lambda: act(night))  # noqa: B023
                tell(f"the night {night} by {name}: {took[name]:.1f} s")
        ratios.append(took["Airflow"] / took["command line"])
    return [figure(RATIO, ratios, goal=1.15), figure(PEAK, peaks, goal=10.0, unit="GiB")]


@contextmanager
def peak_memory(into: list[float]) -> Iterator[None]:
    """Append the largest sum of PSS (GiB) that the whole stack reached meanwhile."""
    from deploy.local.layout import local
    from deploy.local.status import memory_bytes

    done, here, peak = threading.Event(), local(), 0.0

    def sample() -> None:
        nonlocal peak
        while not done.wait(EVERY_S):
            peak = max(peak, memory_bytes(here) / 2**30)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        done.set()
        sampler.join()
        into.append(peak)
