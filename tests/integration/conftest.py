"""The lake that the integration tests share: two nights, seeded and run once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.installation import enginedge

NIGHTS = [(datetime.now(UTC).date() - timedelta(days=back)).isoformat() for back in (4, 3)]
SEED, SCALE = 7, 0.05


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
