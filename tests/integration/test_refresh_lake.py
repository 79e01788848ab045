"""The DAG in the real Airflow: what it refuses, and what is left of a task that is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import psutil
import pytest

from enginedge.table_digest import digest
from tests.integration.airflow_api import DAG, finished, log, logged_in, states, trigger
from tests.integration.conftest import MISSPELT_RUN, Lake

pytestmark = pytest.mark.stack

ONCE = int(time.time())  # a run id is used up for good, also in a stack that is kept


@pytest.fixture(scope="module")
def airflow(lake_of_one_night: Lake) -> Iterator[httpx.Client]:
    with closing(logged_in()) as client:
        yield client


def processes_of(run_id: str) -> list[psutil.Process]:
    """The processes that carry the run in their arguments: the application's driver and its JVM."""
    return [
        process for process in psutil.process_iter(["cmdline"]) if f"--run={run_id}" in (process.info["cmdline"] or [])
    ]


def test_a_misspelt_key_is_refused_by_the_first_task_and_nothing_else_runs(airflow: httpx.Client) -> None:
    assert finished(airflow, MISSPELT_RUN)["state"] == "failed"
    assert "did you mean 'full_refresh'" in log(airflow, MISSPELT_RUN, "check_request")
    ended = states(airflow, MISSPELT_RUN)
    assert {state for task, state in ended.items() if task.startswith(("sources", "core", "marts"))} == {
        "upstream_failed"
    }
    assert "check_request failed" in log(airflow, MISSPELT_RUN, "summarise")


def test_stopping_a_task_stops_its_spark_application_and_clearing_it_heals_the_night(
    airflow: httpx.Client, lake_of_one_night: Lake
) -> None:
    run_id, night = f"stopped__{ONCE}", lake_of_one_night.night
    before = digest("core.postgres__schedules")
    trigger(airflow, run_id, {"night": night, "sources": ["postgres"], "full_refresh": True})
    wait_until(lambda: bool(processes_of(run_id)), 240)
    task = f"{DAG}/dagRuns/{run_id}/taskInstances/sources.refresh_postgres"
    airflow.patch(task, json={"new_state": "failed"}).raise_for_status()
    wait_until(lambda: not processes_of(run_id), 60)

    assert finished(airflow, run_id)["state"] == "failed"
    assert "sources.refresh_postgres failed" in log(airflow, run_id, "summarise")
    assert digest("core.postgres__schedules") == before

    body = {"dry_run": False, "dag_run_id": run_id, "only_failed": True, "reset_dag_runs": True}
    airflow.post(f"{DAG}/clearTaskInstances", json=body).raise_for_status()
    assert finished(airflow, run_id)["state"] == "success"
    assert digest("core.postgres__schedules") == before


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.5)
