"""The lineage of two real nights: every mart column leads back to a store, and nothing is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from marquez_client import MarquezClient

from enginedge import trino
from enginedge.lake.declared import marts
from enginedge.lineage.completeness import history_of_trino
from enginedge.lineage.database import Database, conninfo
from enginedge.lineage.here import names_here
from enginedge.lineage.reconcile import reconcile
from enginedge.lineage.walk import walk_to_sources
from enginedge.settings import settings
from tests.integration.conftest import Lake

pytestmark = pytest.mark.stack

MARTS = [(mart.name, column) for mart in marts() for column in mart.columns]


@pytest.fixture(scope="module")
def graph(lake_of_one_night: Lake) -> Iterator[Database]:
    """The relay's database, once it has read everything that the nights left in the spool."""
    url = settings().endpoint("lineage").url
    stop = time.monotonic() + 60
    while httpx.get(f"{url}/api/relay/state", timeout=30).json()["spool"]["unreadBytes"] and time.monotonic() < stop:
        time.sleep(0.5)
    database = Database(conninfo())
    yield database
    database.close()


@pytest.mark.parametrize(("table", "column"), MARTS)
def test_every_mart_column_leads_back_to_a_field_of_a_store(graph: Database, table: str, column: str) -> None:
    with graph.reading() as connection:
        ways = walk_to_sources(connection, names_here().metastore, table, column)
    assert all(way[-1].is_source for way in ways)


def test_nothing_is_missing_from_the_graph(lake_of_one_night: Lake) -> None:
    assert lake_of_one_night.lineage["missing"] == []
    assert lake_of_one_night.lineage["queries"]


def test_an_event_that_trinos_listener_loses_is_reported_and_made_good(graph: Database) -> None:
    """The relay forgets one run, as if the listener had never told of it."""
    names = names_here()
    with graph.reading() as connection:
        since = connection.execute("select min(received_at) as at from event").fetchone()
    assert since is not None
    history = history_of_trino(trino.query, names, since["at"])
    lost = next(query for query in history if query.target.startswith("mart."))
    with psycopg.connect(conninfo()) as connection_for_harm:
        from enginedge.lineage.events import run_uuid

        connection_for_harm.execute("delete from run where id = %s", [run_uuid(lost.id)])
    found = reconcile(graph, names, since["at"], history)
    assert lost.id in found.healed


def test_marquez_python_reads_the_graph_of_a_mart(graph: Database) -> None:
    client = MarquezClient(settings().endpoint("lineage").url)
    mart = client.get_dataset(names_here().metastore, MARTS[0][0])
    assert {field["name"] for field in mart["fields"]} >= {column for table, column in MARTS if table == MARTS[0][0]}
    assert client.get_column_lineage_by_dataset(names_here().metastore, MARTS[0][0])["graph"]


def test_one_table_is_one_dataset_whichever_engine_speaks_of_it(graph: Database) -> None:
    with graph.reading() as connection:
        rows = connection.execute("select namespace, name from dataset where not hidden").fetchall()
    told: list[Any] = [row["name"] for row in rows if row["namespace"] == names_here().metastore]
    assert len(told) == len(set(told))
    assert not [name for name in told if "night_" in name or "/" in name]
    ours = ("core.", "mart.", "raw.", "quarantine.")
    assert not [
        row for row in rows if row["namespace"].startswith(("trino://", "s3://lake")) and row["name"].startswith(ours)
    ]
