"""Asks a running Airflow, through its REST API, to run ``refresh_lake``, and follows the run to its end.

Protocol: Airflow's stable REST API v2 (``/auth/token``, ``/api/v2/dags/…``).
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from enginedge.errors import Misconfigured, Unavailable, Violated
from enginedge.settings import settings

DAG = "refresh_lake"
LOGIN = "/auth/token"
FINAL = {"success", "failed"}
FOLLOW_FOR_S = 3600.0
QUIET_S = 30.0  # whoever watches is told that it goes on
LOOKS_EVERY_S = 3.0  # a look costs the API a tenth of a second of the processor that the night needs


class _There(Misconfigured):
    """What was to be made is there already."""


@dataclass(frozen=True)
class Run:
    """A DAG run as the API reports it: ``state`` is one of queued, running, success, failed."""

    run_id: str
    state: str
    url: str


class Airflow:
    """One login to one Airflow.

    Raises:
        Unavailable: the API does not answer, or answers with a fault of its own.
        Misconfigured: it refuses the login or the request.
    """

    def __init__(self) -> None:
        self.url = settings().endpoint("airflow-api").url
        self._client = httpx.Client(base_url=self.url, timeout=30)
        passwords = json.loads(settings().secret("airflow-passwords.json"))
        login = self._call("POST", LOGIN, json={"username": "admin", "password": passwords["admin"]})
        self._client.headers["Authorization"] = f"Bearer {login['access_token']}"

    @retry(
        retry=retry_if_exception_type(Unavailable),
        stop=stop_after_delay(60),
        wait=wait_exponential(0.5, max=5),
        reraise=True,
    )
    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise Unavailable(
                f"Airflow does not answer ({type(error).__name__})", where=self.url, remedy="run `make status`"
            ) from error
        if answer.status_code >= 500:
            raise Unavailable(
                f"{method} {path} answered {answer.status_code}", where=self.url, remedy="run `make logs S=airflow-api`"
            )
        if answer.is_error:
            # What refuses a login may repeat it.
            said = "" if path == LOGIN else f": {answer.text[:300]}"
            kind = _There if answer.status_code == httpx.codes.CONFLICT else Misconfigured
            raise kind(f"{method} {path} answered {answer.status_code}{said}", where=self.url)
        return dict(answer.json())

    def _run(self, found: dict[str, Any]) -> Run:
        run_id = found["dag_run_id"]
        return Run(run_id, found["state"], f"{self.url}/dags/{DAG}/runs/{run_id}")

    def ensure_run(self, night: str, conf: dict[str, Any]) -> Run:
        """The run of ``night`` that is under way or succeeded; a new one where all failed or there is none."""
        mine = self._runs_of(night)
        if alive := [run for run in mine if run["state"] != "failed"]:
            return self._run(alive[0])
        self._call("PATCH", f"/api/v2/dags/{DAG}", json={"is_paused": False})
        tries = [int(run["dag_run_id"].rpartition("__")[2]) for run in mine]
        body = {"dag_run_id": f"command_line__{night}__{max(tries, default=0) + 1}", "logical_date": None, "conf": conf}
        try:
            return self._run(self._call("POST", f"/api/v2/dags/{DAG}/dagRuns", json=body))
        except _There:  # by somebody who asked at the same time, or by us, who did not hear the answer
            return self._run(self._call("GET", f"/api/v2/dags/{DAG}/dagRuns/{body['dag_run_id']}"))

    def _runs_of(self, night: str) -> list[dict[str, Any]]:
        known = self._call("GET", f"/api/v2/dags/{DAG}/dagRuns", params={"limit": 200, "order_by": "-start_date"})
        ours = re.compile(rf"command_line__{re.escape(night)}__\d{{1,9}}")
        return [run for run in known["dag_runs"] if ours.fullmatch(run["dag_run_id"])]

    def follow(self, run: Run, say: Callable[[str], None]) -> None:
        """Return when ``run`` has succeeded, telling ``say`` of every task that changes its state.

        Raises:
            Violated: the run failed; the message names the tasks.
            Unavailable: it is still running after an hour.
        """
        seen: dict[str, str] = {}
        told = began = time.monotonic()
        while time.monotonic() < began + FOLLOW_FOR_S:
            tasks = self._call("GET", f"/api/v2/dags/{DAG}/dagRuns/{run.run_id}/taskInstances", params={"limit": 500})
            states = {task["task_id"]: task["state"] or "waiting" for task in tasks["task_instances"]}
            for task, state in sorted(states.items()):
                if seen.get(task, "waiting") != state:
                    say(f"{task}: {state}")
            if seen != states:
                seen, told = states, time.monotonic()
            elif time.monotonic() > told + QUIET_S and (still := sorted(t for t in states if states[t] == "running")):
                say(f"still running after {time.monotonic() - began:.0f} s: {', '.join(still)}")
                told = time.monotonic()
            state = self._call("GET", f"/api/v2/dags/{DAG}/dagRuns/{run.run_id}")["state"]
            if state in FINAL:
                return self._judge(run, state, states)
            time.sleep(LOOKS_EVERY_S)
        raise Unavailable(f"{run.run_id} is still running after an hour", where=run.url, remedy="read its log")

    def _judge(self, run: Run, state: str, tasks: dict[str, str]) -> None:
        if state == "success":
            return
        failed = sorted(task for task, its in tasks.items() if its == "failed")
        raise Violated(
            f"{run.run_id} failed in {', '.join(failed) or dict(Counter(tasks.values()))}",
            where=run.url,
            untouched="every table whose task failed is as it was before the run",
            remedy="read the failed task's log, mend the cause and run the same night again",
        )
