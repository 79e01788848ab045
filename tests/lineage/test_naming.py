"""One name for a table, whoever speaks of it; the cases are those that the engines were seen to send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enginedge.lineage.naming import DatasetName, job_name, tidy_namespace, written_table
from tests.lineage.conftest import NAMES

USERS = DatasetName("hive://127.0.0.1:9083", "core.mongodb__users")


def link(name: str, namespace: str = "hive://127.0.0.1:9083") -> list[dict[str, str]]:
    return [{"namespace": namespace, "name": name, "type": "TABLE"}]


SAME_TABLE = [
    ("s3://lake", "core.db/mongodb__users", link("core.mongodb__users")),
    ("s3://lake", "core.db/mongodb__users", link("core.mongodb__users.branch_night_20261122_7d9309e705")),
    ("s3://lake", "core/mongodb__users", []),
    ("s3a://lake", "core/mongodb__users", []),
    ("s3a://lake", "/core/mongodb__users/", []),
    ("s3://lake", "core/mongodb__users/data", []),
    ("s3://lake", "core/mongodb__users/metadata", []),
    ("s3://lake", "core/mongodb__users-0123456789abcdef0123456789abcdef", []),
    ("s3://elsewhere", "any/path", link("core.mongodb__users")),
    ("hive://127.0.0.1:9083", "core.mongodb__users", []),
    ("hive://localhost:9083", "core.mongodb__users", []),
    ("hive://127.0.0.1:9083", "lake.core.mongodb__users", []),
    ("hive://127.0.0.1:9083", "spark_catalog.core.mongodb__users", []),
    ("hive://127.0.0.1:9083", "core.mongodb__users.branch_night_20261123_1", []),
    ("hive://127.0.0.1:9083", "core.mongodb__users@night_20261123_1", []),
    ("hive://127.0.0.1:9083", "core.mongodb__users.snapshots", []),
    ("trino://127.0.0.1:8090", "lake.core.mongodb__users", []),
    ("trino://trino.lake.svc:8080", 'lake."core"."mongodb__users"', []),
    ("trino://127.0.0.1:8090", "lake.core.mongodb__users$snapshots", []),
    ("trino://127.0.0.1:8090", "files.core.mongodb__users", []),
    ("iceberg://lake", "core/mongodb__users", []),
    ("iceberg://lake", "/core/mongodb__users", []),
]


@pytest.mark.parametrize(("namespace", "name", "symlinks"), SAME_TABLE)
def test_every_name_of_a_table_is_made_the_metastores(
    namespace: str, name: str, symlinks: list[dict[str, str]]
) -> None:
    assert NAMES.canonical(namespace, name, symlinks) == USERS


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("mongodb://127.0.0.1:27017", "platform.interviews"),
        ("kafka://127.0.0.1:9092", "events.resume"),
        ("postgres://127.0.0.1:5432", "platform.public.schedules"),
        ("s3://platform", "news"),
        ("s3://lake", "landing/mongodb/dt=2026-11-23/part-0.jsonl"),
        ("trino://127.0.0.1:8090", "system.runtime.nodes"),
        ("file", "/tmp/x.csv"),  # noqa: S108 - a name, not a file
    ],
)
def test_a_source_keeps_its_name(namespace: str, name: str) -> None:
    assert NAMES.canonical(namespace, name) == DatasetName(namespace, name)


def test_a_table_being_built_is_the_table_and_the_next_mart_is_its_own() -> None:
    assert NAMES.canonical("trino://h:1", "lake.mart_next.x__dbt_tmp").name == "mart_next.x"
    assert NAMES.canonical("trino://h:1", "lake.mart.x").name == "mart.x"


def test_a_login_in_a_namespace_is_taken_out() -> None:
    assert tidy_namespace("mongodb://lake:s3cret@127.0.0.1:27017") == "mongodb://127.0.0.1:27017"
    assert tidy_namespace("postgres://localhost:5432") == "postgres://127.0.0.1:5432"


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_a_name_that_is_canonical_stays_as_it_is(namespace: str, name: str) -> None:
    once = NAMES.canonical(namespace, name)
    assert NAMES.canonical(once.namespace, once.name) == once


QUERY_ID = "20261124_084621_00004_anfx3"


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            '/* {"app": "dbt", "node_id": "model.enginedge.x"} */ create table lake.mart_next.x as select 1',
            "mart_next.x.build",
        ),
        ("/* model.enginedge_marts.x */ create or replace table lake.mart_next.x as select 1", "mart_next.x.build"),
        ("/* test.enginedge_marts.unique_x_day */ select count(*) from t", "unique_x_day.test"),
        ("create or replace table lake.mart.x as select * from lake.mart_next.x", "mart.x.publish"),
        ('create or replace table "mart"."x" comment \'from\' as select * from "mart_next"."x"', "mart.x.publish"),
        ("-- why\nINSERT INTO lake.core.x SELECT 1", "core.x.append"),
        ("merge into core.x using y on true when matched then delete", "core.x.merge"),
        ("delete from lake.core.x where id = 1", "core.x.delete"),
    ],
)
def test_a_trino_query_is_named_by_its_work_not_by_its_query_id(sql: str, wanted: str) -> None:
    assert job_name(QUERY_ID, names=NAMES, sql=sql) == wanted


def test_a_query_that_writes_nothing_is_named_by_a_digest_of_what_it_says() -> None:
    one = job_name(QUERY_ID, names=NAMES, sql="select 1")
    assert (
        one == job_name("20261125_000000_00001_abcde", names=NAMES, sql="SELECT   1") != job_name(QUERY_ID, names=NAMES)
    )


@pytest.mark.parametrize(
    ("given_name", "wanted"),
    [
        ("kafka_2026_11_22.append_data.lake_raw_x", "kafka.append_data.lake_raw_x"),
        ("refresh_mongodb.append_data.core_x_branch_night_20261123_1", "refresh_mongodb.append_data.core_x"),
        ("refresh-2026-11-23.merge", "refresh.merge"),
        ("app-1b4e28ba-2fa1-11d2-883f-0016d3cca427.create_table.x", "app.create_table.x"),
        ("orders_silver.replace_data.iceberg_silver_orders2", "orders_silver.replace_data.iceberg_silver_orders2"),
        ("2026-11-23", "2026-11-23"),
    ],
)
def test_what_differs_each_night_is_cut_from_a_jobs_name(given_name: str, wanted: str) -> None:
    assert job_name(given_name, names=NAMES) == wanted


def test_a_statement_without_a_target_writes_no_table() -> None:
    assert written_table("select 1", NAMES) is None
    assert written_table('/* x */ insert into lake."core".x select 1', NAMES) == "core.x"
