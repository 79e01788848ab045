"""The lake's figures: ``make bench-lake``. A stack of its own, nights of its own, both sides of a ratio in one run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import typer

from tests.benchmarks.measure import Figure, figure, paired, publish, seconds
from tests.installation import ROOT, point_at

STATE = ROOT / ".state" / "bench"
IMPORT_AIRFLOW = "import airflow.sdk"
PARSE_EVERY_DAG = IMPORT_AIRFLOW + "; import runpy, glob; [runpy.run_path(f) for f in glob.glob('dags/*/*.py')]"


def run(*arguments: str) -> str:
    """Run a Python module to its end and return what it printed."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE, timeout=3600
    ).stdout


def dag_parse(runs: int) -> Figure:
    """What parsing every DAG costs a process that has imported Airflow already, over that import alone."""
    return paired(
        "dag_parse_over_airflow_import",
        lambda: seconds(lambda: run("-c", PARSE_EVERY_DAG)),
        lambda: seconds(lambda: run("-c", IMPORT_AIRFLOW)),
        runs=runs,
        goal=1.3,
    )


@contextmanager
def own_stack() -> Iterator[None]:
    """A fresh stack, taken down and forgotten at the end."""
    shutil.rmtree(STATE, ignore_errors=True)
    point_at(STATE, 10_000)
    STATE.mkdir(parents=True)
    try:
        run("-m", "deploy.local.stack", "up")
        yield
    finally:
        run("-m", "deploy.local.stack", "down")
        shutil.rmtree(STATE)


@contextmanager
def peak_memory(into: list[float]) -> Iterator[None]:
    """Append the largest sum of PSS (GiB) that the whole stack reached meanwhile, sampled each second."""
    from deploy.local.layout import local
    from deploy.local.status import memory_bytes

    done, here, peak = threading.Event(), local(), 0.0

    def sample() -> None:
        nonlocal peak
        while not done.wait(1.0):
            peak = max(peak, memory_bytes(here) / 2**30)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        done.set()
        sampler.join()
        into.append(peak)


def by_airflow(night: date) -> None:
    """One night as the DAG runs it."""
    from enginedge.lake.airflow import Airflow

    airflow = Airflow()
    airflow.follow(airflow.ensure_run(night.isoformat(), {"night": night.isoformat()}), lambda _: None)


def by_command_line(night: date) -> None:
    """One night as the command line runs it."""
    run("-m", "enginedge", "lake", "run", "--night", night.isoformat(), "--json")


def nights(runs: int, scale: float) -> list[Figure]:
    """Alternate nights by Airflow and by the command line, all of the same size, and the memory that they took."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    days = [last - timedelta(days=back) for back in range(2 * runs, -1, -1)]
    run("-m", "enginedge", "lake", "seed", "--nights", str(len(days)), "--scale", str(scale), "--json")
    by_command_line(days.pop(0))
    ratios: list[float] = []
    peaks: list[float] = []
    for first, second in zip(days[::2], days[1::2], strict=True):
        with peak_memory(peaks):
            airflow, command_line = seconds(lambda: by_airflow(first)), seconds(lambda: by_command_line(second))  # noqa: B023
        sys.stderr.write(f"{first}: Airflow {airflow:.1f} s; {second}: command line {command_line:.1f} s\n")
        ratios.append(airflow / command_line)
    return [
        figure("night_by_airflow_over_command_line", ratios, goal=1.15),
        figure("stack_peak_pss_gib", peaks, goal=10.0, unit="GiB"),
    ]


def main(runs: int = 3, scale: float = 1.0) -> None:
    """Measure and print; SCALE is the size of a night, RUNS the number of pairs."""
    figures = [dag_parse(max(runs, 5))]
    publish("lake", figures)
    with own_stack():
        started = time.monotonic()
        publish("lake", figures + nights(runs, scale))
    sys.stderr.write(f"nights measured in {time.monotonic() - started:.0f} s; medians of {runs} pairs\n")


if __name__ == "__main__":
    typer.run(main)
