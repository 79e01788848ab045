"""Every column of a mart is walked back to the stores, over the events that the engines really sent in one night."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from enginedge.errors import Misconfigured, Violated
from enginedge.lineage.database import Database
from enginedge.lineage.events import read_event
from enginedge.lineage.read_datasets import dataset_row
from enginedge.lineage.store import take
from enginedge.lineage.walk import walk_to_sources
from tests.lineage.conftest import NAMES, recorded
from tests.lineage.events import HIVE, dataset, event

MART = "mart.services__daily_throughput"
NIGHT = ("night-spark.ndjson", "night-library.ndjson", "night-trino.ndjson")


def tell(database: Database, recordings: Iterable[str]) -> None:
    for name in recordings:
        take(database, [read_event(json.dumps(one), NAMES) for one in recorded(name)])


def columns(database: Database, table: str) -> list[str]:
    with database.reading() as connection:
        row = dataset_row(connection, HIVE, table)
    assert row is not None
    return [column["name"] for column in row["fields"]]


def test_every_column_of_a_mart_leads_back_to_fields_of_kafka(database: Database) -> None:
    tell(database, NIGHT)
    listed = columns(database, MART)
    assert len(listed) > 10
    for column in listed:
        with database.reading() as connection:
            ways = walk_to_sources(connection, HIVE, MART, column)
        assert all(way[-1].namespace.startswith("kafka://") for way in ways), column
        layers = [place.dataset.partition(".")[0] for place in ways[0]]
        assert layers == ["mart", "mart_next", "core", "raw", "events"], column


def test_a_columns_way_goes_by_the_field_that_the_contract_names(database: Database) -> None:
    tell(database, NIGHT)
    with database.reading() as connection:
        ways = walk_to_sources(connection, HIVE, MART, "duration_p95_s")
    assert {way[-2].field for way in ways} == {"record.duration_ms"}
    assert {way[-1].field for way in ways} == {"duration_ms"}
    assert len({way[-1].dataset for way in ways}) == 9


@pytest.mark.parametrize("off", NIGHT)
def test_with_one_teller_off_the_walk_fails(database: Database, off: str) -> None:
    tell(database, [name for name in NIGHT if name != off])
    with database.reading() as connection, pytest.raises((Violated, Misconfigured)):
        walk_to_sources(connection, HIVE, MART, "duration_p95_s")


def test_a_contract_alone_joins_nothing(database: Database) -> None:
    source = ("mongodb://127.0.0.1:27017", "platform.users")
    read = dataset("raw.x", "record", lineage={"record.email": [(*source, "email")]})
    conform = dataset("core.x", "email", lineage={"email": [(HIVE, "raw.x", "record.email")]})
    take(database, [event(run="1", job="read", inputs=[dataset(source[1], namespace=source[0])], outputs=[read])])
    take(database, [event(run="2", job="conform", inputs=[dataset("raw.x")], outputs=[conform])])
    with database.reading() as connection, pytest.raises(Violated, match=r"core\.x\.email"):
        walk_to_sources(connection, HIVE, "core.x", "email")
    merge = event(run="3", job="merge", inputs=[dataset("raw.x")], outputs=[dataset("core.x")], integration="SPARK")
    take(database, [merge])
    with database.reading() as connection:
        (way,) = walk_to_sources(connection, HIVE, "core.x", "email")
    assert [place.field for place in way] == ["email", "record.email", "email"]


def test_a_circle_ends(database: Database) -> None:
    one = dataset("core.a", "x", lineage={"x": [(HIVE, "core.b", "x")]})
    other = dataset("core.b", "x", lineage={"x": [(HIVE, "core.a", "x"), (HIVE, "core.b", "x")]})
    take(database, [event(run="1", job="1", outputs=[one]), event(run="2", job="2", outputs=[other])])
    with database.reading() as connection, pytest.raises(Violated):
        walk_to_sources(connection, HIVE, "core.a", "x")


def test_an_unknown_table_is_named(database: Database) -> None:
    with database.reading() as connection, pytest.raises(Misconfigured, match="nope"):
        walk_to_sources(connection, HIVE, "mart.nope", "x")
