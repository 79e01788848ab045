"""The lake that the integration tests share: what two days brought to the stores, and the one night that took it in.

Before the night Airflow refuses a misspelt request, which is quick: so its own database, one of the sources, holds a
run and its tasks. The second night is the main job's (``test_first_night.py``), after all else.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enginedge.backup.lake_tables import named_tables
from tests.installation import enginedge
from tests.integration.airflow_api import finished, logged_in, trigger
from tests.integration.metastore_locks import metastore_database

DAYS = [(datetime.now(UTC).date() - timedelta(days=back)).isoformat() for back in (4, 3)]
NIGHT = DAYS[-1]
BAD_NIGHT = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()  # the one that the main job runs
SEED, SCALE = 7, 0.05
MISSPELT_RUN = f"misspelt__{int(time.time())}"  # a run id is used up for good, also in a stack that is kept


@dataclass(frozen=True)
class Lake:
    """The night that was run and what the command line said of it; Airflow has refused a run before.

    ``lineage`` is what ``lake lineage completeness`` found right after it, before any test did anything.
    """

    night: str
    summary: dict[str, Any]
    lineage: dict[str, Any]


@pytest.fixture(scope="session")
def lake_of_one_night(running_stack: None) -> Lake:
    """Airflow's refusal, two days seeded, and the night after them run by the command line."""
    with closing(logged_in()) as airflow:
        trigger(airflow, MISSPELT_RUN, {"full_refesh": True})
        enginedge("lake", "seed", "--nights", "2", "--scale", str(SCALE), "--seed", str(SEED), "--until", NIGHT)
        finished(airflow, MISSPELT_RUN)
    summary = json.loads(enginedge("lake", "run", "--night", NIGHT, "--json").stdout)
    lineage = enginedge("lake", "lineage", "completeness", "--hours", "2", "--json", check=False).stdout
    return Lake(NIGHT, summary, json.loads(lineage))


@dataclass(frozen=True)
class ProvedStores:
    """A backup of every store, all taken since the lake was published last, each proved: the rows that are told of
    them, by store; what was asked for; and where the metadata of each table lay meanwhile, by psycopg."""

    rows: dict[str, dict[str, Any]]
    since: str
    tables: dict[str, str]


@pytest.fixture(scope="session")
def proved_stores(lake_of_one_night: Lake) -> ProvedStores:
    """As the main job ends with it."""
    assert lake_of_one_night.summary
    since, tables = enginedge("lake", "last-published").stdout.strip(), _named_now()
    rows = json.loads(enginedge("backup", "prove", "--since", since, "--json").stdout)
    assert _named_now() == tables, "nothing is published meanwhile"
    return ProvedStores({each["store"]: each for each in rows}, since, tables)


def _named_now() -> dict[str, str]:
    with metastore_database() as connection:
        return named_tables(connection, "metastore")


@pytest.fixture(scope="session")
def bad_night(lake_of_one_night: Lake) -> str:
    """Last night, seeded and not yet run, for what breaks things."""
    enginedge("lake", "seed", "--nights", "1", "--scale", str(SCALE), "--seed", str(SEED), "--until", BAD_NIGHT)
    return BAD_NIGHT
