"""The DAGs of the backups: their order, what is independent of what, and what importing them costs."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import ApprovalOperator

from enginedge.backup import operations, requested
from enginedge.errors import Misconfigured
from enginedge.platform import load_platform
from tests.dags.importing import loaded
from tests.installation import ROOT

DAGS = ("back_up_stores", "copy_backups", "drill_older_backup", "drill_stores", "restore_store", "retain_backups")


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    return dict(DagBag(str(ROOT / "dags" / "backup")).dags)


def test_there_is_a_dag_for_the_night_for_the_proof_and_for_what_is_old(dags: dict[str, Any]) -> None:
    assert set(dags) == set(DAGS)


def test_what_is_pointed_at_is_dumped_after_what_points_there(dags: dict[str, Any]) -> None:
    then = dags["back_up_stores"].get_task("back_up_then")
    assert then.upstream_task_ids == {"back_up_first", "list_stores_pointed_at"}
    assert then.trigger_rule == "all_done", "one store's failure stops no other's backup"
    assert operations.stores_to_back_up(pointed_at=True) == ["minio"]


@pytest.mark.parametrize("dag_id", ["back_up_stores", "drill_stores"])
def test_a_run_is_green_only_if_every_store_has_its_backup_or_its_proof(dags: dict[str, Any], dag_id: str) -> None:
    """A mapped task that failed under one that runs whatever happened would otherwise be forgotten."""
    (last,) = dags[dag_id].leaves
    assert last.task_id == "account"
    assert last.trigger_rule == "all_done"


@pytest.mark.parametrize(
    ("dag_id", "work"), [("back_up_stores", "back_up_then"), ("copy_backups", "copy"), ("drill_stores", "drill")]
)
def test_the_numbers_are_told_whatever_became_of_the_work_and_fail_nothing(
    dags: dict[str, Any], dag_id: str, work: str
) -> None:
    numbers, tables = (dags[dag_id].get_task(each) for each in ("write_metrics", "publish_tables"))
    assert work in numbers.upstream_task_ids
    for task in (numbers, tables):
        assert task.trigger_rule == "all_done"
        assert {dags[dag_id].get_task(each).trigger_rule for each in task.downstream_task_ids} == {"all_done"}


def test_every_store_of_the_inventory_is_backed_up_once() -> None:
    listed = [*operations.stores_to_back_up(pointed_at=False), *operations.stores_to_back_up(pointed_at=True)]
    services = load_platform(ROOT / "deploy" / "platform.yaml").services
    assert sorted(listed) == sorted(service.name for service in services if service.backup)


@pytest.mark.parametrize(("dag_id", "task_id"), [("back_up_stores", "back_up_first"), ("drill_stores", "drill")])
def test_stores_are_mapped_and_bounded(dags: dict[str, Any], dag_id: str, task_id: str) -> None:
    task = dags[dag_id].get_task(task_id)
    assert task.is_mapped
    assert task.max_active_tis_per_dagrun in (1, 2)


def test_the_lake_is_drilled_as_one_and_its_failure_is_not_forgotten(dags: dict[str, Any]) -> None:
    lake = dags["drill_stores"].get_task("drill_lake")
    assert lake.upstream_task_ids == set()
    assert "account" in {each.task_id for each in lake.get_flat_relatives(upstream=False)}


def test_a_red_drill_of_an_older_backup_is_a_red_run(dags: dict[str, Any]) -> None:
    assert {each.trigger_rule for each in dags["drill_older_backup"].tasks} == {"all_success"}
    assert [each.task_id for each in dags["drill_older_backup"].roots] == ["drill"]


def test_nothing_is_given_up_before_the_check_has_passed(dags: dict[str, Any]) -> None:
    assert dags["retain_backups"].get_task("give_up").upstream_task_ids == {"check_share"}
    assert dags["retain_backups"].get_task("give_up").trigger_rule == "all_success"
    assert dags["retain_backups"].get_task("keep_locked").upstream_task_ids == {"give_up"}, "what went need not stay"


def test_the_second_copy_is_checked_and_retained_whatever_became_of_the_first_which_is_not_forgotten(
    dags: dict[str, Any],
) -> None:
    check, give_up = (dags["retain_backups"].get_task(each) for each in ("check_copies", "give_up_copies"))
    assert check.trigger_rule == "all_done"
    assert (give_up.upstream_task_ids, give_up.trigger_rule) == ({"check_copies"}, "all_success")
    numbers = dags["retain_backups"].get_task("write_metrics")
    assert numbers.upstream_task_ids == {"keep_locked", "give_up_copies"}
    assert numbers.trigger_rule == "all_done", "what went here is told, though the second place is away"
    account = dags["retain_backups"].get_task("account")
    assert (account.downstream_task_ids, account.trigger_rule) == (set(), "all_success"), "the run fails with either"
    assert account.upstream_task_ids == {"keep_locked", "give_up_copies"}


@pytest.mark.parametrize(
    ("dag_id", "task_id"),
    [
        ("back_up_stores", "back_up_then"),
        ("copy_backups", "copy"),
        ("drill_stores", "drill_lake"),
        ("drill_older_backup", "drill"),
        ("retain_backups", "give_up"),
    ],
)
def test_whatever_changes_the_catalogue_brings_numbers_and_tables_up_to_date(
    dags: dict[str, Any], dag_id: str, task_id: str
) -> None:
    after = {each.task_id for each in dags[dag_id].get_task(task_id).get_flat_relatives(upstream=False)}
    assert {"write_metrics", "publish_tables"} <= after


def test_a_restore_is_planned_then_approved_then_carried_out(dags: dict[str, Any]) -> None:
    dag = dags["restore_store"]
    assert dag.schedule is None
    approve, restore = dag.get_task("approve"), dag.get_task("restore")
    assert isinstance(approve, ApprovalOperator)
    assert approve.upstream_task_ids == {"plan"}
    assert "approve" in restore.upstream_task_ids
    assert restore.trigger_rule == "all_success"
    assert "xcom_pull(task_ids='plan')" in approve.body
    assert approve.response_timeout < dag.dagrun_timeout


def test_the_form_has_every_field_that_is_read_and_no_other(dags: dict[str, Any]) -> None:
    assert tuple(dags["restore_store"].params) == requested.FIELDS


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"store": "postgres", "replcae": "postgres"}, "did you mean 'replace'"),
        ({"store": "postgres", "replace": "postgres"}, "Airflow's own database"),
        ({"store": "postgres", "only": "airflow"}, "Airflow's own database"),
        ({"store": "postgres", "only": "platform", "name": "airflow"}, "Airflow's own database"),
        ({"store": "mongodb", "replace": "yes"}, "'yes' is not the store to be restored"),
        ({"store": "mongodb", "name": "other"}, "say which, with --only"),
        ({"store": "mongobd"}, "one of mongodb"),
        ({"store": "mongodb", "location": "ofsite"}, "one of primary, offsite"),
        ({"store": "etcd", "replace": "etcd"}, "no DAG stops it"),
    ],
)
def test_a_form_that_was_filled_in_wrongly_is_refused_before_anybody_is_asked(form: Any, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        requested.planned(form)


def test_importing_them_loads_no_client() -> None:
    clients = ("boto3", "pymongo", "psycopg", "pydantic_settings", "ruamel")
    files = [ROOT / "dags" / "backup" / f"{name}.py" for name in DAGS]
    assert loaded(files, clients) == {name: [] for name in DAGS}
