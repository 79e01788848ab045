"""The long tests see the same lake as the gate's, and what they did is written to ``REPORT.md``, which is committed."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from tests.integration.conftest import bad_night, lake_of_one_night
from tests.spark_jobs.conftest import lake, spark

__all__ = ["bad_night", "lake", "lake_of_one_night", "spark"]

REPORT = Path(__file__).parent / "REPORT.md"
HEAD = """# What the soak did last

Written by `make soak`, a row as soon as its test has ended: when, on what commit (`+`: and changes on top of it), how
it ended, what it counted. Where single tests are run, theirs are the only rows that change.

| test | on | ended | seconds | seed, counts, findings |
| --- | --- | --- | --- | --- |
"""
ROW = re.compile(r"\| (?P<name>[Tt]est[^|]+) \| .* \|")


def pytest_collection_finish(session: pytest.Session) -> None:
    """The rows of tests that are no more go, once all that there are is known; a list of them is no soak."""
    if session.config.option.collectonly or not {item.path for item in session.items} >= set(
        REPORT.parent.glob("test_*.py")
    ):
        return
    names = {_name(item.nodeid) for item in session.items}
    _write({name: row for name, row in _rows().items() if name in names})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One row a test of this folder: its call, or what kept it from being called."""
    if "tests/soak/" in report.nodeid and (report.when == "call" or report.outcome != "passed"):
        told = "; ".join(f"{key}: {value}" for key, value in report.user_properties)
        ended = report.outcome
        if known := getattr(report, "wasxfail", ""):  # pytest calls it skipped
            ended, told = "failed, as is known", known
        name = _name(report.nodeid)
        ran_on = f"{datetime.now(UTC):%Y-%m-%d} {_commit()}"
        _write(_rows() | {name: f"| {name} | {ran_on} | {ended} | {report.duration:.0f} | {told} |"})


def _name(nodeid: str) -> str:
    return nodeid.partition("::")[2].replace("_", " ").replace("|", "/")


def _rows() -> dict[str, str]:
    """The report's rows by their tests' names."""
    lines = REPORT.read_text().splitlines() if REPORT.exists() else []
    return {found["name"]: line for line in lines if (found := ROW.fullmatch(line))}


def _write(rows: dict[str, str]) -> None:
    REPORT.write_text(HEAD + "".join(f"{rows[name]}\n" for name in sorted(rows)))


@cache
def _commit() -> str:
    """What is tested; the report itself, which changes all the while, is no change."""
    root = REPORT.parents[2]
    report = f":!{REPORT.relative_to(root)}"
    at, changed = (
        subprocess.run(["git", *asked], cwd=root, check=False, capture_output=True, text=True).stdout
        for asked in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", ".", report])
    )
    return f"{at.strip()}{'+' if changed else ''}" or "(no commit)"
