"""The nightly DAG: its order, its form, and what importing it costs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction

from enginedge.lake import declared, requests
from tests.dags.importing import loaded
from tests.installation import ROOT

ASKED_AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def dag() -> Any:
    return DagBag(str(ROOT / "dags" / "lake" / "refresh_lake.py")).dags["refresh_lake"]


def test_every_source_has_a_task_and_every_core_table_a_place_in_the_graph(dag: Any) -> None:
    for source in declared.SOURCES:
        downstream = dag.get_task(f"sources.refresh_{source}").downstream_task_ids
        assert {f"core.{table.removeprefix('core.')}" for table in declared.tables_of(source)} <= downstream


def test_a_mart_is_built_after_exactly_the_core_tables_that_its_sql_reads(dag: Any) -> None:
    for mart in declared.marts():
        assert mart.reads
        assert dag.get_task(f"marts.build_{mart.model}").upstream_task_ids == set(mart.reads)
        assert dag.get_task(f"marts.publish_{mart.model}").upstream_task_ids == {f"marts.build_{mart.model}"}


def test_every_table_is_an_asset_of_the_task_that_publishes_it(dag: Any) -> None:
    emitted = {asset.name: task.task_id for task in dag.tasks for asset in task.outlets}
    assert set(emitted) == {*declared.core_tables(), *(mart.name for mart in declared.marts())}
    assert emitted["core.mongodb__interviews"] == "sources.refresh_mongodb"
    assert emitted["mart.interviews__daily_funnel"] == "marts.publish_interviews__daily_funnel"


def test_an_asset_points_at_its_table(dag: Any) -> None:
    uris = {asset.name: asset.uri for task in dag.tasks for asset in task.outlets}
    assert uris["core.mongodb__interviews"] == "x-iceberg://lake/core/mongodb__interviews"


def test_a_failed_source_holds_back_only_the_marts_that_read_it(dag: Any) -> None:
    held = {task.task_id for task in dag.get_task("sources.refresh_kafka").get_flat_relatives(upstream=False)}
    assert "marts.publish_services__daily_throughput" in held
    assert not {task for task in held if "interviews" in task or "news" in task}


def test_a_mart_none_of_whose_sources_was_asked_for_is_skipped_and_one_of_several_is_enough(dag: Any) -> None:
    for mart in declared.marts():
        task = dag.get_task(f"marts.build_{mart.model}")
        assert task.trigger_rule == "none_failed_min_one_success"
        assert "check_request" not in task.upstream_task_ids, "it always succeeds, and would count as the one"


def test_the_summary_comes_last_whatever_happened(dag: Any) -> None:
    assert [task.task_id for task in dag.leaves] == ["summarise"]
    assert dag.get_task("summarise").trigger_rule == "all_done"
    assert len(dag.get_task("summarise").get_flat_relatives(upstream=True)) == len(dag.tasks) - 1


def test_the_form_asks_for_what_a_request_knows_and_nothing_else(dag: Any) -> None:
    assert tuple(dag.params) == requests.KEYS
    assert requests.check_request(dag.params.dump(), ASKED_AT) == requests.check_request({}, ASKED_AT)


def test_unpausing_waits_for_the_next_night(dag: Any) -> None:
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    restriction = TimeRestriction(earliest=None, latest=None, catchup=False)
    first = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    assert first.run_after > datetime.now(UTC)
    assert (first.run_after.hour, first.run_after.minute) == (2, 0)


def test_importing_it_loads_no_engine() -> None:
    engines = ("pandas", "pyspark", "dbt", "trino", "pymongo", "boto3", "confluent_kafka", "psycopg")
    assert loaded([ROOT / "dags" / "lake" / "refresh_lake.py"], engines) == {"refresh_lake": []}
