"""Asking Airflow for a run: one a night, whoever asks at the same time, and no password in what is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tenacity import stop_after_attempt

from enginedge.errors import Misconfigured, Unavailable
from enginedge.lake import airflow
from enginedge.lake.airflow import Airflow, Run
from enginedge.settings import settings

RUN = {"dag_run_id": "command_line__2026-11-23__1", "state": "queued"}


class ApiServer(BaseHTTPRequestHandler):
    """The part of Airflow's API that is asked; somebody else makes the run between the question and the request."""

    login = 200
    known: ClassVar[list[str]] = []
    refuses = True
    looks: ClassVar[list[str]] = []  # the run's state at each look; its one task has the same

    def do_GET(self) -> None:
        if self.path.partition("?")[0].endswith("/taskInstances"):
            return self._answer(200, {"task_instances": [{"task_id": "slow", "state": self.looks[0]}]})
        if self.looks:
            return self._answer(200, {**RUN, "state": self.looks.pop(0)})
        runs = [{"dag_run_id": f"command_line__2026-11-23__{ending}", "state": "failed"} for ending in self.known]
        return self._answer(200, RUN if self.path.endswith("__1") else {"dag_runs": runs})

    def do_PATCH(self) -> None:
        self._answer(200, {})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"])).decode()
        if self.path == "/auth/token":
            return self._answer(self.login, {"access_token": "t", "detail": [{"input": sent}]})
        if self.refuses:
            return self._answer(409, {"detail": "a DagRun with this id already exists"})
        return self._answer(200, {**json.loads(sent), "state": "queued"})

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[ApiServer]]:
    """A running one, and the password that opens it."""
    server = HTTPServer(("127.0.0.1", 0), ApiServer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    passwords = tmp_path / "airflow-passwords.json"
    passwords.write_text(json.dumps({"admin": "hunter2"}))
    passwords.chmod(0o600)
    monkeypatch.setenv("ENGINEDGE_SECRETS", str(tmp_path))
    monkeypatch.setenv("ENGINEDGE_PORT_AIRFLOW_API", str(server.server_port))
    settings.cache_clear()
    yield ApiServer
    settings.cache_clear()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_run_that_somebody_made_at_the_same_time_is_taken_as_it_is(api: type[ApiServer]) -> None:
    run = Airflow().ensure_run("2026-11-23", {"night": "2026-11-23"})
    assert (run.run_id, run.state) == (RUN["dag_run_id"], "queued")


def test_a_new_try_gets_a_number_that_none_has_had(api: type[ApiServer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "known", ["2", "by-hand", "10"])  # somebody has deleted the first
    monkeypatch.setattr(api, "refuses", False)
    assert Airflow().ensure_run("2026-11-23", {}).run_id == "command_line__2026-11-23__11"


def test_a_login_that_is_refused_does_not_tell_the_password(
    api: type[ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "login", 422)
    with pytest.raises(Misconfigured, match="/auth/token answered 422") as refusal:
        Airflow()
    assert "hunter2" not in str(refusal.value)


def test_a_run_that_takes_long_is_said_to_go_on(api: type[ApiServer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow, "LOOKS_EVERY_S", 0.05)
    monkeypatch.setattr(airflow, "QUIET_S", 0.1)
    monkeypatch.setattr(api, "looks", [*["running"] * 10, "success"])
    told: list[str] = []
    Airflow().follow(Run(str(RUN["dag_run_id"]), "queued", "http://here"), told.append)
    first, *still, last = told
    assert (first, last) == ("slow: running", "slow: success")
    assert len(still) >= 2
    assert all(line.startswith("still running after ") and line.endswith(" s: slow") for line in still)


def test_an_airflow_that_breaks_down_while_its_run_is_followed_is_named_with_its_log(
    api: type[ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Airflow._call.retry, "stop", stop_after_attempt(2))  # not a minute
    followed = Airflow()
    monkeypatch.setattr(api, "do_GET", lambda its: its._answer(500, {}))
    with pytest.raises(Unavailable, match=r"answered 500.*make logs S=airflow-api"):
        followed.follow(Run(str(RUN["dag_run_id"]), "queued", "http://here"), print)
