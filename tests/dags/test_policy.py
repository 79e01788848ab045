"""What every DAG must state, whoever writes it: one policy over all of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from enginedge_airflow.failures import tell_failed
from tests.installation import ROOT

CAPABILITIES = {"lake", "backup", "deploy", "health"}
BAG = DagBag(str(ROOT / "dags"))
DAGS = sorted(BAG.dags.values(), key=lambda dag: dag.dag_id)
WORKING = [(dag, task) for dag in DAGS for task in dag.tasks if task.task_type != "EmptyOperator"]


def each_dag(test: Any) -> Any:
    return pytest.mark.parametrize("dag", DAGS, ids=[dag.dag_id for dag in DAGS])(test)


def each_task(test: Any) -> Any:
    return pytest.mark.parametrize(("dag", "task"), WORKING, ids=[f"{d.dag_id}.{t.task_id}" for d, t in WORKING])(test)


def test_every_dag_file_can_be_imported() -> None:
    assert BAG.import_errors == {}
    assert DAGS


@each_dag
def test_a_dag_is_called_verb_object_as_its_file_is(dag: Any) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", dag.dag_id)
    assert dag.dag_id in dag.fileloc


@each_dag
def test_a_dag_carries_the_word_of_its_capability(dag: Any) -> None:
    assert len(CAPABILITIES & set(dag.tags)) == 1
    assert f"/dags/{next(iter(CAPABILITIES & set(dag.tags)))}/" in dag.fileloc


@each_dag
def test_a_dag_says_what_it_does_when_and_what_to_do_when_it_fails(dag: Any) -> None:
    for question in ("What", "When", "When it fails"):
        assert f"**{question}" in dag.doc_md


@each_dag
def test_a_dag_never_surprises_with_runs_of_the_past(dag: Any) -> None:
    assert dag.catchup is False
    assert dag.start_date is None, "with a start date, unpausing would run the last due night at once"


@each_dag
def test_a_dag_runs_one_at_a_time_and_has_a_deadline(dag: Any) -> None:
    assert dag.max_active_runs == 1
    assert dag.deadline or dag.dagrun_timeout


@each_task
def test_a_task_has_an_owner(dag: Any, task: Any) -> None:
    assert task.owner not in ("", "airflow")


@each_task
def test_a_task_stops_by_itself_some_day(dag: Any, task: Any) -> None:
    assert task.execution_timeout is not None
    assert task.execution_timeout <= timedelta(hours=6)


@each_task
def test_a_task_retries_only_what_may_heal(dag: Any, task: Any) -> None:
    assert task.retries >= 1
    assert task.retry_policy is not None


@each_task
def test_a_task_that_fails_for_good_is_told_of(dag: Any, task: Any) -> None:
    told = task.on_failure_callback
    assert tell_failed in (told if isinstance(told, list) else [told])


@each_dag
def test_a_run_that_is_late_is_told_of(dag: Any) -> None:
    assert [alert.callback.path.rpartition(".")[2] for alert in dag.deadline] == ["say_late"]
