"""How a run's end names what failed in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from enginedge_airflow.failures import failure_of_run


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
