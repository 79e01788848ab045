"""The lake that the integration tests share: two nights, seeded and run once.

Before the nights Airflow refuses a misspelt request, which is quick: so its own database, one of the sources, holds a
run and its tasks.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.installation import enginedge
from tests.integration.airflow_api import finished, logged_in, trigger

NIGHTS = [(datetime.now(UTC).date() - timedelta(days=back)).isoformat() for back in (4, 3)]
BAD_NIGHT = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()  # the one that the main job runs
SEED, SCALE = 7, 0.05
MISSPELT_RUN = f"misspelt__{int(time.time())}"  # a run id is used up for good, also in a stack that is kept


@dataclass(frozen=True)
class Lake:
    """Two seeded nights and what the command line said when it ran each of them; Airflow has refused a run before.

    ``lineage`` is what ``lake lineage completeness`` found right after them, before any test did anything.
    """

    nights: list[str]
    summaries: list[dict[str, Any]]
    lineage: dict[str, Any]


@pytest.fixture(scope="session")
def lake_of_two_nights(running_stack: None) -> Lake:
    """Airflow's refusal, then two nights seeded, and run one after the other by the command line."""
    with closing(logged_in()) as airflow:
        trigger(airflow, MISSPELT_RUN, {"full_refesh": True})
        finished(airflow, MISSPELT_RUN)
    enginedge("lake", "seed", "--nights", "2", "--scale", str(SCALE), "--seed", str(SEED), "--until", NIGHTS[-1])
    summaries = [json.loads(enginedge("lake", "run", "--night", night, "--json").stdout) for night in NIGHTS]
    lineage = enginedge("lake", "lineage", "completeness", "--hours", "2", "--json", check=False).stdout
    return Lake(NIGHTS, summaries, json.loads(lineage))


@pytest.fixture(scope="session")
def bad_night(lake_of_two_nights: Lake) -> str:
    """Last night, seeded and not yet run, for what breaks things."""
    enginedge("lake", "seed", "--nights", "1", "--scale", str(SCALE), "--seed", str(SEED), "--until", BAD_NIGHT)
    return BAD_NIGHT
