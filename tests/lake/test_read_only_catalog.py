"""The catalog that a notebook's Spark is given can only be read, and shows only what is published and not personal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from enginedge.errors import Misconfigured
from enginedge.lake import read_only_catalog
from enginedge.settings import settings

READ = read_only_catalog._read
METADATA = {"format-version": 2, "refs": {"main": {"snapshot-id": 1}, "night_20261123_1": {"snapshot-id": 2}}}


@pytest.fixture(autouse=True)
def _lake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tables stand in Trino; the store answers with one table's metadata."""
    tables = ["core.kafka__service_events", "core.mongodb__users", "mart.news__daily_topics"]
    monkeypatch.setattr(read_only_catalog, "readable_tables", lambda: tables)
    monkeypatch.setattr(read_only_catalog, "metadata_file", lambda name: f"s3://lake/{name}.metadata.json")
    monkeypatch.setattr(read_only_catalog, "_read", lambda _: METADATA)


def ask(path: str) -> dict[str, Any]:
    return read_only_catalog.answer(f"/v1{path}")


def test_it_announces_nothing_but_reads() -> None:
    assert {endpoint.split()[0] for endpoint in ask("/config?warehouse=")["endpoints"]} == {"GET"}


def test_it_lists_the_tables_without_personal_columns() -> None:
    assert ask("/namespaces") == {"namespaces": [["core"], ["mart"]]}
    assert ask("/namespaces/core/tables") == {"identifiers": [{"namespace": ["core"], "name": "kafka__service_events"}]}


def test_a_table_shows_its_published_branch_alone() -> None:
    loaded = ask("/namespaces/core/tables/kafka__service_events")
    assert loaded["metadata-location"] == "s3://lake/core.kafka__service_events.metadata.json"
    assert loaded["metadata"] == {"format-version": 2, "refs": {"main": {"snapshot-id": 1}}}


@pytest.mark.parametrize("path", ["/namespaces/raw", "/namespaces/core/tables/mongodb__users", "/transactions"])
def test_what_is_not_open_is_not_there(path: str) -> None:
    with pytest.raises(Misconfigured, match="nothing to read"):
        ask(path)


@pytest.fixture
def address() -> Iterator[str]:
    server = read_only_catalog.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_a_store_that_does_not_answer_is_told_over_the_wire(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_only_catalog, "_read", READ)
    monkeypatch.setenv("ENGINEDGE_PORT_MINIO", "1")
    monkeypatch.setenv("ENGINEDGE_SECRETS", str(tmp_path))
    (tmp_path / "minio-analyst").write_text("unused")
    (tmp_path / "minio-analyst").chmod(0o600)
    settings.cache_clear()
    told = httpx.get(f"{address}/namespaces/core/tables/kafka__service_events", timeout=60)
    settings.cache_clear()
    assert (told.status_code, told.json()["error"]["type"]) == (503, "ServiceUnavailableException")


def test_a_page_that_calls_this_machine_by_another_name_is_told_nothing(address: str) -> None:
    assert httpx.get(f"{address}/namespaces", headers={"host": "evil.example:80"}).status_code == 403


def test_over_the_wire_a_write_is_refused_and_a_missing_table_is_named_as_iceberg_names_it(address: str) -> None:
    assert httpx.get(f"{address}/namespaces").json() == {"namespaces": [["core"], ["mart"]]}
    missing = httpx.get(f"{address}/namespaces/core/tables/mongodb__users")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "NoSuchTableException")
    assert httpx.delete(f"{address}/namespaces/core/tables/kafka__service_events").status_code == 501
    assert httpx.post(f"{address}/namespaces", json={"namespace": ["mine"]}).status_code == 501
