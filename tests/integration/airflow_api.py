"""Airflow's REST API as a test sees it: one login, and a run followed to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from enginedge.settings import settings

DAG = "/api/v2/dags/refresh_lake"
FINISH_WITHIN_S = 900
SAID_WITHIN_S = 300


def password() -> str:
    return str(json.loads(settings().secret("airflow-passwords.json"))["admin"])


def logged_in() -> httpx.Client:
    """A client of the running Airflow."""
    client = httpx.Client(base_url=settings().endpoint("airflow-api").url, timeout=60)
    login = client.post("/auth/token", json={"username": "admin", "password": password()})
    client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
    return client


def trigger(airflow: httpx.Client, run_id: str, conf: dict[str, Any]) -> None:
    body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
    airflow.post(f"{DAG}/dagRuns", json=body).raise_for_status()


def finished(airflow: httpx.Client, run_id: str) -> dict[str, Any]:
    """The run, once it has succeeded or failed."""
    until = time.monotonic() + FINISH_WITHIN_S
    while time.monotonic() < until:
        run: dict[str, Any] = airflow.get(f"{DAG}/dagRuns/{run_id}").json()
        if run["state"] in ("success", "failed"):
            return run
        time.sleep(1)
    raise AssertionError(f"{run_id} did not finish")


def states(airflow: httpx.Client, run_id: str) -> dict[str, str]:
    """The state of each task of the run."""
    found = airflow.get(f"{DAG}/dagRuns/{run_id}/taskInstances").json()["task_instances"]
    return {task["task_id"]: task["state"] for task in found}


def log(airflow: httpx.Client, run_id: str, task: str, attempt: int = 1) -> str:
    found = airflow.get(f"{DAG}/dagRuns/{run_id}/taskInstances/{task}/logs/{attempt}", params={"full_content": True})
    return found.text


def until(found: Callable[[], Any]) -> Any:
    """What ``found`` finds, once it is something."""
    stop = time.monotonic() + SAID_WITHIN_S
    while time.monotonic() < stop:
        if result := found():
            return result
        time.sleep(1)
    raise AssertionError("it took too long")
