"""What events make of the graph: what is kept when Marquez would lose it, and what is one when it has two names."""

from __future__ import annotations

from typing import Any

import pytest

from enginedge.errors import Unavailable
from enginedge.lineage.database import Database, one
from enginedge.lineage.read_datasets import dataset_row, datasets
from enginedge.lineage.read_jobs import job_row, shaped
from enginedge.lineage.read_runs import run
from enginedge.lineage.store import take
from tests.lineage.events import HIVE, MARKS, dataset, event, run_of


def edges(database: Database, job: str = "job") -> set[tuple[str, str]]:
    with database.reading() as connection:
        rows = connection.execute(
            """select t.direction, d.name from job_dataset t join dataset d on d.id = t.dataset
               join job j on j.id = t.job where j.name = %s and t.in_graph""",
            [job],
        )
        return {(row["direction"], row["name"]) for row in rows}


def state(database: Database, name: str = "r") -> dict[str, Any]:
    import uuid

    with database.reading() as connection:
        return run(connection, uuid.UUID(run_of(name))) or {}


def test_a_start_that_arrives_late_does_not_reopen_a_finished_run(database: Database) -> None:
    take(database, [event("COMPLETE", at="2026-11-24T09:00:10Z"), event("START", at="2026-11-24T09:00:00Z")])
    found = state(database)
    assert (found["state"], found["durationMs"]) == ("COMPLETED", 10_000)


def test_a_run_that_speaks_again_later_is_running_again(database: Database) -> None:
    take(database, [event("FAIL", at="2026-11-24T09:00:10Z"), event("START", at="2026-11-24T09:01:00Z")])
    assert state(database)["state"] == "RUNNING"


def test_an_end_without_datasets_leaves_the_jobs_edges(database: Database) -> None:
    full = event("COMPLETE", "r1", inputs=[dataset("raw.x")], outputs=[dataset("core.x")])
    take(database, [full, event("COMPLETE", "r2"), event("FAIL", "r3")])
    assert edges(database) == {("in", "raw.x"), ("out", "core.x")}


def test_the_edges_of_a_run_are_all_that_its_events_named(database: Database) -> None:
    take(database, [event("START", inputs=[dataset("raw.x")]), event("COMPLETE", outputs=[dataset("core.x")])])
    assert edges(database) == {("in", "raw.x"), ("out", "core.x")}


def test_what_a_later_run_no_longer_reads_leaves_the_graph(database: Database) -> None:
    take(database, [event("COMPLETE", name, inputs=[dataset(f"raw.{name}")]) for name in ("old", "new")])
    assert edges(database) == {("in", "raw.new")}


def test_a_start_alone_is_not_in_the_graph(database: Database) -> None:
    take(database, [event("START", inputs=[dataset("raw.x")])])
    assert edges(database) == set()


def test_a_table_seen_by_its_path_first_is_absorbed_when_its_name_is_told(database: Database) -> None:
    symlinks = {**MARKS, "identifiers": [{"namespace": HIVE, "name": "core.x", "type": "TABLE"}]}
    take(database, [event("COMPLETE", "r1", "reads", inputs=[dataset("x/y/z", namespace="s3://bronze")])])
    written = dataset("x/y/z", "a", namespace="s3://bronze", symlinks=symlinks)
    take(database, [event("COMPLETE", "r2", "writes", outputs=[written])])
    assert edges(database, "reads") == {("in", "core.x")}
    with database.reading() as connection:
        assert dataset_row(connection, "s3://bronze", "x/y/z") == dataset_row(connection, HIVE, "core.x")


def test_a_branch_leaves_no_dataset_and_no_alias_behind(database: Database) -> None:
    for night in ("night_20261122_1", "night_20261123_1"):
        symlinks = {**MARKS, "identifiers": [{"namespace": HIVE, "name": f"core.x.branch_{night}", "type": "TABLE"}]}
        take(database, [event(run=night, outputs=[dataset("core.db/x", namespace="s3://lake", symlinks=symlinks)])])
    with database.reading() as connection:
        assert [found["name"] for found in datasets(connection, HIVE, 100, 0)[0]] == ["core.x"]


def test_an_output_without_facets_keeps_the_columns_that_are_known(database: Database) -> None:
    take(database, [event(outputs=[dataset("core.x", "a", "b")]), event("START", "r2", outputs=[dataset("core.x")])])
    with database.reading() as connection:
        row = dataset_row(connection, HIVE, "core.x")
    assert row is not None
    assert [column["name"] for column in row["fields"]] == ["a", "b"]


def test_a_child_is_named_after_its_parent_and_the_parents_own_word_counts(database: Database) -> None:
    parent = {"parent": {**MARKS, "run": {"runId": run_of("p")}, "job": {"namespace": "other", "name": "dag"}}}
    take(database, [event("FAIL", "c", "task", facets=parent)])
    assert state(database, "p")["state"] == "FAILED"
    take(
        database, [event("COMPLETE", "p", "dag", at="2026-11-24T09:05:00Z"), event("FAIL", "c2", "task", facets=parent)]
    )
    assert state(database, "p")["state"] == "COMPLETED"
    with database.reading() as connection:
        row = job_row(connection, "test", "dag.task")
        assert row is not None
        assert shaped(connection, [row])[0]["simpleName"] == "task"


def test_a_job_has_the_same_name_whoever_started_its_application(database: Database) -> None:
    """By Airflow, the application is a child of a task; from the command line it is nobody's."""

    def child_of(name: str) -> dict[str, Any]:
        return {"parent": {**MARKS, "run": {"runId": run_of(name)}, "job": {"namespace": "test", "name": name}}}

    take(database, [event("COMPLETE", "kafka", "kafka", facets=child_of("dag.task"))])
    take(database, [event("COMPLETE", "merge", "kafka.merge", facets=child_of("kafka"))])
    take(database, [event("COMPLETE", "kafka-2", "kafka"), event("COMPLETE", "merge-2", "kafka.merge")])
    with database.reading() as connection:
        names = {row["name"] for row in connection.execute("select name from job")}
    assert names == {"dag.task", "dag.task.kafka", "kafka", "kafka.merge"}


def test_the_same_event_twice_changes_nothing_but_the_log(database: Database) -> None:
    told = event(
        outputs=[dataset("core.x", "a", lineage={"a": [(HIVE, "raw.x", "record")]})], inputs=[dataset("raw.x")]
    )

    def counts() -> dict[str, Any] | None:
        tables = ("run", "job", "dataset", "dataset_version", "job_version", "run_dataset", "column_edge")
        counted = ", ".join(f"(select count(*) from {table}) as {table}" for table in tables)  # noqa: S608
        with database.reading() as connection:
            return one(connection, f"select {counted}")

    take(database, [told])
    once = counts()
    take(database, [told, told])
    assert counts() == once


def test_postgres_being_down_is_unavailable_not_a_crash(nowhere: Database) -> None:
    with pytest.raises(Unavailable):
        take(nowhere, [event()])
