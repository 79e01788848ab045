"""The stack that the figures are measured on: fresh, with ports of its own, forgotten at the end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.installation import ROOT, point_at

STATE = ROOT / ".state" / "bench"
WEEK = timedelta(days=7)
WORLD = 7


@contextmanager
def own_stack(as_it_stands: bool = False, only: str = "") -> Iterator[None]:
    """A fresh stack, or ``only`` these services of it, taken down and forgotten at the end; or the one that stands
    there already, which is left."""
    point_at(STATE, 10_000)
    if as_it_stands:
        yield
        return
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    try:
        run("-m", "deploy.local.stack", "up", *(["--only", only] if only else []))
        yield
    finally:
        run("-m", "deploy.local.stack", "down")
        shutil.rmtree(STATE)


def a_year_ago() -> date:
    """The Monday of the week a year ago."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=today.weekday()) - 52 * WEEK


def run(*arguments: str) -> str:
    """Run a Python module to its end and return what it printed."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE, timeout=3600
    ).stdout


def tell(line: str) -> None:
    """Progress goes to standard error."""
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")
    sys.stderr.flush()


@dataclass
class Calendar:
    """Hands out the weeks from a Monday on, each once: a table never goes back to an earlier night."""

    monday: date

    def week(self) -> list[date]:
        """The seven days from the next Monday on."""
        days = [self.monday + timedelta(days=day) for day in range(7)]
        self.monday += WEEK
        return days
