"""The stack that the integration tests share: brought up, seeded and run through two nights once, then taken down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.installation import ROOT

NIGHTS = [(datetime.now(UTC).date() - timedelta(days=back)).isoformat() for back in (2, 1)]
SEED, SCALE = 7, 0.05


def enginedge(*arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one verb of the command line as a user would, in a process of its own."""
    finished = subprocess.run(
        [sys.executable, "-m", "enginedge", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if check and finished.returncode:
        said = finished.stderr[-4000:]
        raise AssertionError(f"enginedge {' '.join(arguments)} ended with {finished.returncode}\n{said}")
    return finished


def stack(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one verb of the local stack (``up``, ``down``, ``stop NAME``, ``start NAME`` …)."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.stack", *arguments], cwd=ROOT, check=check, text=True, timeout=900
    )


@pytest.fixture(scope="session")
def running_stack() -> Iterator[None]:
    """Every service is Ready; at the end of the session what was started here is stopped again."""
    try:
        stack("up")
        yield
    finally:
        if os.environ.get("ENGINEDGE_TEST_STACK") != "running":
            stack("down")


@dataclass(frozen=True)
class Lake:
    """Two seeded nights and what the command line said when it ran each of them."""

    nights: list[str]
    summaries: list[dict[str, Any]]


@pytest.fixture(scope="session")
def lake_of_two_nights(running_stack: None) -> Lake:
    """Two nights seeded, then run one after the other by the command line."""
    enginedge("lake", "seed", "--nights", "2", "--scale", str(SCALE), "--seed", str(SEED), "--until", NIGHTS[-1])
    summaries = [json.loads(enginedge("lake", "run", "--night", night, "--json").stdout) for night in NIGHTS]
    return Lake(NIGHTS, summaries)
