"""The DAG in the real Airflow: what it refuses, what it tells, and what is left of a task that is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import psutil
import pytest

from enginedge.lake import declared
from enginedge.table_digest import digest
from tests.integration.airflow_api import DAG, finished, log, logged_in, states, trigger
from tests.integration.conftest import MISSPELT_RUN, Lake

pytestmark = pytest.mark.stack

ONCE = int(time.time())  # a run id is used up for good, also in a stack that is kept


@pytest.fixture(scope="module")
def airflow(lake_of_two_nights: Lake) -> Iterator[httpx.Client]:
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


def test_a_night_that_is_published_already_changes_no_row_and_tells_of_every_table(
    airflow: httpx.Client, lake_of_two_nights: Lake
) -> None:
    """All but Airflow's own tables, which this very run adds to."""
    run_id, night = f"again__{ONCE}", lake_of_two_nights.nights[-1]
    sources = [source for source in declared.SOURCES if source != "airflow"]
    tables = [table for source in sources for table in declared.tables_of(source)]
    marts_of = [mart.name for mart in declared.marts() if set(mart.reads) <= set(tables)]
    before = {table: digest(table) for table in [*tables, *marts_of]}

    trigger(airflow, run_id, {"night": night, "sources": sources})
    assert finished(airflow, run_id)["state"] == "success"
    assert {table: digest(table) for table in before} == before

    events = airflow.get("/api/v2/assets/events", params={"source_run_id": run_id, "limit": 100}).json()["asset_events"]
    told = {event["name"]: event["extra"] for event in events}
    assert set(told) == set(before)
    assert told["core.kafka__service_events"]["night"] == night
    assert all(told[name]["digest"] == before[name] for name in marts_of)

    shown = airflow.get("/nights/run", params={"dag_id": "refresh_lake", "run_id": run_id})
    assert shown.status_code == 200
    for said in (log(airflow, run_id, "summarise"), shown.text):
        assert all(table in said for table in before)
        assert "lineage: " in said


def test_stopping_a_task_stops_its_spark_application_and_clearing_it_heals_the_night(
    airflow: httpx.Client, lake_of_two_nights: Lake
) -> None:
    run_id, night = f"stopped__{ONCE}", lake_of_two_nights.nights[-1]
    before = digest("core.kafka__service_events")
    trigger(airflow, run_id, {"night": night, "sources": ["kafka"], "full_refresh": True})
    wait_until(lambda: bool(processes_of(run_id)), 240)
    task = f"{DAG}/dagRuns/{run_id}/taskInstances/sources.refresh_kafka"
    airflow.patch(task, json={"new_state": "failed"}).raise_for_status()
    wait_until(lambda: not processes_of(run_id), 60)

    assert finished(airflow, run_id)["state"] == "failed"
    assert "sources.refresh_kafka failed" in log(airflow, run_id, "summarise")
    assert digest("core.kafka__service_events") == before

    body = {"dry_run": False, "dag_run_id": run_id, "only_failed": True, "reset_dag_runs": True}
    airflow.post(f"{DAG}/clearTaskInstances", json=body).raise_for_status()
    assert finished(airflow, run_id)["state"] == "success"
    assert digest("core.kafka__service_events") == before


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.5)
