"""The long tests see the same lake as the gate's, and what they did is written to ``REPORT.md``, which is committed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.conftest import bad_night, lake_of_one_night
from tests.spark_jobs.conftest import lake, spark

__all__ = ["bad_night", "lake", "lake_of_one_night", "spark"]

REPORT = Path(__file__).parent / "REPORT.md"
HEAD = """# What the soak did last

Written by `make soak` on {when:%Y-%m-%d}: every test of `tests/soak`, what it counted, and how it ended.

| test | ended | seconds | seed, counts, findings |
| --- | --- | --- | --- |
"""
_rows: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One row a test of this folder: its call, or what kept it from being called."""
    if "tests/soak/" in report.nodeid and (report.when == "call" or report.outcome != "passed"):
        name = report.nodeid.partition("::")[2].replace("_", " ")
        told = "; ".join(f"{key}: {value}" for key, value in report.user_properties)
        ended = report.outcome
        if known := getattr(report, "wasxfail", ""):  # pytest calls it skipped
            ended, told = "failed, as is known", known
        _rows.append(f"| {name} | {ended} | {report.duration:.0f} | {told} |\n")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run of chosen tests only is no soak, and neither is a list of them; the report stays as it was."""
    if _rows and {item.path for item in session.items} >= set(REPORT.parent.glob("test_*.py")):
        REPORT.write_text(HEAD.format(when=datetime.now(UTC)) + "".join(sorted(_rows)))
