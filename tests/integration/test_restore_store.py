"""A restore by the form in the real Airflow: shown to whoever approves, done when they do, and not when they don't."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.backup.test_mongodb import connect
from tests.installation import enginedge
from tests.integration.airflow_api import logged_in, until

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("running_stack")]

DAG = "/api/v2/dags/restore_store"
DATABASE = "restore_store_suite"
READS_FOR_S = 3


@pytest.fixture(scope="module")
def backup(running_stack: None) -> Iterator[str]:
    """The id of a backup of a collection that has lost its documents since."""
    with connect() as client:
        client.drop_database(DATABASE)
        client[DATABASE].kept.insert_many({"_id": number} for number in range(10))
        (taken,) = json.loads(enginedge("backup", "now", "--store", "mongodb", "--json").stdout)
        client[DATABASE].kept.delete_many({})
        yield taken["id"]
        client.drop_database(DATABASE)


@pytest.fixture(scope="module")
def airflow(running_stack: None) -> Iterator[httpx.Client]:
    with closing(logged_in()) as client:
        yield client


def asked_to_approve(airflow: httpx.Client, run_id: str, name: str) -> str:
    """Trigger the DAG, and return what whoever approves is shown."""
    conf = {"store": "mongodb", "only": f"{DATABASE}.kept", "name": f"{DATABASE}.{name}"}
    body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
    airflow.post(f"{DAG}/dagRuns", json=body).raise_for_status()
    return str(until(lambda: waiting(airflow, run_id))["body"])


def waiting(airflow: httpx.Client, run_id: str) -> dict[str, Any] | None:
    """What is shown while the run waits for an answer; an answer that comes before it waits would be lost."""
    for each in airflow.get(f"{DAG}/dagRuns/{run_id}/hitlDetails").json().get("hitl_details", ()):
        if each["task_instance"]["state"] == "awaiting_input" and not each["response_received"]:
            return dict(each)
    return None


def answer(airflow: httpx.Client, run_id: str, option: str) -> str:
    """Answer whenever the run waits for it, as late as a person does, and return the state in which it ends.

    Airflow's scheduler takes a task that goes on in the second in which it paused for one whose worker died.
    """

    def ended() -> Any:
        if waiting(airflow, run_id):
            time.sleep(READS_FOR_S)
            airflow.patch(
                f"{DAG}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails",
                json={"chosen_options": [option], "params_input": {}},
            )
        state = airflow.get(f"{DAG}/dagRuns/{run_id}").json()["state"]
        return state if state in ("success", "failed") else None

    return str(until(ended))


def test_nothing_is_restored_before_it_is_approved_and_then_what_was_shown(airflow: httpx.Client, backup: str) -> None:
    run_id = f"approved__{int(time.time())}"
    shown = asked_to_approve(airflow, run_id, "approved")
    assert backup in shown
    assert "To undo it: " in shown
    with connect() as client:
        assert "approved" not in client[DATABASE].list_collection_names()
        assert answer(airflow, run_id, "Approve") == "success"
        assert [each["_id"] for each in client[DATABASE].approved.find().sort("_id", 1)] == list(range(10))


def test_a_restore_that_is_rejected_restores_nothing(airflow: httpx.Client, backup: str) -> None:
    run_id = f"rejected__{int(time.time())}"
    asked_to_approve(airflow, run_id, "rejected")
    assert answer(airflow, run_id, "Reject") == "success"
    with connect() as client:
        assert "rejected" not in client[DATABASE].list_collection_names()
