"""A night through the whole lake: what it publishes is what the sources hold, once, whole, and again the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import httpx
import pytest

from enginedge import trino
from enginedge.lake import declared
from enginedge.settings import settings
from enginedge.table_digest import digest
from tests.installation import enginedge
from tests.integration.conftest import Lake
from tests.integration.expected import expected

pytestmark = pytest.mark.stack

PLACES = ("raw", "accepted", "quarantined", "duplicate", "superseded")


def rerun(night: str, *options: str) -> dict[str, Any]:
    """The summary of one more run of ``night``."""
    finished: dict[str, Any] = json.loads(enginedge("lake", "run", "--night", night, "--json", *options).stdout)
    return finished


def digests() -> dict[str, str]:
    """A digest of every published table whose rows do not change while Airflow itself works."""
    tables = [table for table in declared.core_tables() if not table.startswith("core.airflow")]
    names = [*tables, *(mart.name for mart in declared.marts() if not mart.name.startswith("mart.pipelines"))]
    return {name: digest(name) for name in names}


def standing(tables: Iterable[str]) -> dict[str, int]:
    """The snapshot that each of ``tables`` is published at."""
    found = {}
    for table in tables:
        schema, _, name = table.partition(".")
        refs = trino.quoted(schema, f"{name}$refs")
        found[table] = trino.query(f"select snapshot_id from {refs} where name = 'main'").rows[0][0]  # noqa: S608
    return found


def test_every_count_is_the_one_that_an_independent_reader_finds_in_the_source(lake_of_one_night: Lake) -> None:
    published = {each["table"].removeprefix("core."): each for each in lake_of_one_night.summary["tables"]}
    wanted = {table: asdict(counts) for table, counts in expected(lake_of_one_night.night).items()}
    assert {table: {place: published[table][place] for place in PLACES} for table in wanted} == wanted
    assert all(counts["quarantined"] > 0 for counts in wanted.values())


def test_every_table_of_the_inventory_of_contracts_was_published(lake_of_one_night: Lake) -> None:
    published = [each["table"] for each in lake_of_one_night.summary["tables"]]
    assert sorted(published) == sorted(declared.core_tables())
    assert {each["mart"] for each in lake_of_one_night.summary["marts"]} == {m.name for m in declared.marts()}


def test_every_source_ran_as_one_application_of_the_spark_master(lake_of_one_night: Lake) -> None:
    master = httpx.get(settings().endpoint("spark-master", "ui").url + "/json/", timeout=10).json()
    finished = Counter(each["name"] for each in master["completedapps"] if each["state"] == "FINISHED")
    for source in declared.SOURCES:
        assert finished[f"{source}.{lake_of_one_night.night}"] >= 1, finished


def test_every_model_is_a_query_in_trinos_own_list(lake_of_one_night: Lake) -> None:
    ran = trino.query("select query from system.runtime.queries where state = 'FINISHED'", user="admin").rows
    for mart in declared.marts():
        assert any("create" in row[0].lower() and mart.model in row[0] for row in ran), mart.name


def test_raw_files_are_a_hive_table_that_trino_reads(lake_of_one_night: Lake) -> None:
    lines = trino.query('select count(*) from "files"."landing"."news_articles"').rows[0][0]
    raw = trino.query("select count(*) from lake.raw.bucket__news_articles").rows[0][0]
    assert lines >= raw > 0
