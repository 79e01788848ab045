"""How a run's end names what failed in it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from enginedge.errors import Unavailable
from enginedge.private_files import write_private
from enginedge_airflow.failures import failure_of_run, say_late, tell_failed
from tests.notify.receivers import webhook_receiver


def running_in(states: dict[str, str]) -> Any:
    return SimpleNamespace(
        dag_id="refresh_lake",
        run_id="manual__1",
        task_id="summarise",
        get_task_states=lambda **asked: {asked["run_ids"][0]: states},
    )


def test_a_run_without_failures_ends_well() -> None:
    assert failure_of_run(running_in({"refresh_kafka": "success", "b": "skipped", "summarise": "running"})) is None


def test_a_run_names_what_failed_and_what_was_therefore_left_alone() -> None:
    states = {
        "sources.refresh_kafka": "failed",
        "marts.build_services": "upstream_failed",
        "sources.refresh_bucket": "success",
    }
    said = str(failure_of_run(running_in(states)))
    assert "sources.refresh_kafka failed" in said
    assert "Not touched: marts.build_services" in said
    assert "bucket" not in said


def context(error: Any, map_index: int = -1) -> dict[str, Any]:
    task = {"dag_id": "back_up_stores", "task_id": "back_up_first", "run_id": "manual__1", "map_index": map_index}
    return {"ti": SimpleNamespace(**task, log_url="http://airflow/log"), "exception": error}


@pytest.mark.parametrize(("map_index", "task"), [(-1, "back_up_first"), (3, "back_up_first [3]")])
def test_a_task_that_failed_is_told_with_its_reason_and_where_its_log_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, map_index: int, task: str
) -> None:
    with webhook_receiver() as posts:
        write_private(tmp_path / "webhook", posts.url)
        monkeypatch.setenv("ENGINEDGE_NOTIFY_WEBHOOK_FILE", str(tmp_path / "webhook"))
        tell_failed(context(Unavailable("it did not answer", where="etcd"), map_index))
    (told,) = posts.documents
    assert told["subject"] == f"back_up_stores.{task} failed"
    assert "Unavailable: etcd: it did not answer" in told["text"]
    assert told["facts"] == {"run": "manual__1", "log": "http://airflow/log"}


@pytest.mark.parametrize("error", [None, "killed", KeyboardInterrupt()])
def test_a_task_that_was_ended_is_told_too(error: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tell_failed(context(error))
    assert "failed: back_up_stores.back_up_first failed" in caplog.text


def test_a_run_that_is_late_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the shape in which Airflow 3.3 hands it to a deadline's callback (airflow/models/deadline.py)."""
    with webhook_receiver() as posts:
        write_private(tmp_path / "webhook", posts.url)
        monkeypatch.setenv("ENGINEDGE_NOTIFY_WEBHOOK_FILE", str(tmp_path / "webhook"))
        run = {"dag_id": "back_up_stores", "dag_run_id": "scheduled__1"}
        asyncio.run(say_late(context={"dag_run": run, "deadline": {"deadline_time": "2026-11-25 02:00"}}))
    assert posts.subjects() == ["back_up_stores is late"]
    assert posts.documents[0]["facts"] == {"run": "scheduled__1"}
    assert "2026-11-25 02:00" in posts.documents[0]["text"]
