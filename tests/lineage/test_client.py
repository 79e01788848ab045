"""The relay, served as it is in production, is driven by the published clients."""

from __future__ import annotations

import asyncio
import json
import random
import string
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
from marquez_client import MarquezClient
from marquez_client.errors import APIError
from openlineage.client import OpenLineageClient, event_v2
from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset
from openlineage.client.transport.http import HttpConfig, HttpTransport

from enginedge.lineage.application import application
from enginedge.lineage.database import Database
from enginedge.lineage.store import take
from tests.lineage.conftest import NAMES
from tests.lineage.events import HIVE, body, dataset, event
from tests.lineage.postgres import free_port


@pytest.fixture
def relay(database: Database) -> Iterator[str]:
    """The URL of a relay that is being served."""
    port = free_port()
    config = uvicorn.Config(application(database, NAMES), host="127.0.0.1", port=port, log_level="warning", ws="none")
    served = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(served.serve()), daemon=True)
    thread.start()
    while not served.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    served.should_exit = True
    thread.join(timeout=10)


def emit(relay: str, **http: Any) -> str:
    """Tell of one run by openlineage-python's HTTP transport; returns its id."""
    client = OpenLineageClient(transport=HttpTransport(HttpConfig.from_dict({"type": "http", "url": relay, **http})))
    columns = [schema_dataset.SchemaDatasetFacetFields("a", "string", None)]
    source = column_lineage_dataset.InputField("trino://127.0.0.1:8090", "lake.core.x", "a")
    lineage = column_lineage_dataset.ColumnLineageDatasetFacet({"a": column_lineage_dataset.Fields([source])})
    facets = {"schema": schema_dataset.SchemaDatasetFacet(columns), "columnLineage": lineage}
    run = event_v2.Run(str(uuid.uuid4()))
    for state in (event_v2.RunState.START, event_v2.RunState.COMPLETE):
        client.emit(
            event_v2.RunEvent(
                eventTime=datetime.now(UTC).isoformat(),
                run=run,
                job=event_v2.Job("ns", "build"),
                producer="https://example.org/test",
                eventType=state,
                inputs=[event_v2.InputDataset("s3://lake", "core/x", facets={"schema": facets["schema"]})],
                outputs=[event_v2.OutputDataset("trino://127.0.0.1:8090", "lake.mart.x", facets=facets)],
            )
        )
    client.close()
    return run.runId


@pytest.mark.parametrize("http", [{}, {"compression": "gzip"}])
def test_what_openlineage_python_sends_marquez_python_reads(relay: str, http: dict[str, Any]) -> None:
    run_id = emit(relay, **http)
    client = MarquezClient(relay)
    job = client.get_job("ns", "build")
    assert (job["inputs"], job["outputs"]) == (
        [{"namespace": HIVE, "name": "core.x"}],
        [{"namespace": HIVE, "name": "mart.x"}],
    )
    assert client.get_job_run(run_id)["state"] == "COMPLETED"
    assert client.list_job_runs("ns", "build")["totalCount"] == 1
    assert [found["name"] for found in client.list_datasets(HIVE)["datasets"]] == ["core.x", "mart.x"]
    version = client.get_dataset(HIVE, "mart.x")["currentVersion"]
    assert client.get_dataset_version(HIVE, "mart.x", version)["createdByRun"]["id"] == run_id
    graph = client.get_column_lineage_by_dataset_field(HIVE, "mart.x", "a")["graph"]
    assert {node["id"] for node in graph} == {f"datasetField:{HIVE}:{table}:a" for table in ("mart.x", "core.x")}
    assert client.get_column_lineage_by_dataset(HIVE, "mart.x", version=version)["graph"]
    assert client.get_column_lineage_by_job("ns", "build", with_downstream=True)["graph"]


def test_a_dataset_is_found_by_every_name_it_was_called(relay: str) -> None:
    emit(relay)
    client = MarquezClient(relay)
    for namespace, name in ((HIVE, "core.x"), ("s3://lake", "core/x")):
        assert client.get_dataset(namespace, name)["id"] == {"namespace": HIVE, "name": "core.x"}


def test_marquez_python_can_tag_and_write(relay: str, database: Database) -> None:
    take(database, [event(outputs=[dataset("core.x", "a")])])
    client = MarquezClient(relay)
    assert client.create_namespace("own", "me", "mine")["ownerName"] == "me"
    assert client.create_tag("GOLD", "the best")["name"] == "GOLD"
    assert client.tag_dataset(HIVE, "core.x", "GOLD")["tags"] == ["GOLD"]
    assert client.tag_dataset_field(HIVE, "core.x", "a", "PII")["fields"][0]["tags"] == ["PII"]
    assert {tag["name"] for tag in client.list_tags()["tags"]} >= {"GOLD", "PII", "SENSITIVE"}
    with pytest.raises(APIError):
        client.tag_dataset_field(HIVE, "core.x", "nope", "PII")


def test_a_name_with_every_kind_of_sign_is_found(relay: str, database: Database) -> None:
    name = "a/b c%d#e:f?g=h&i ü日本"
    take(database, [event(job=name, outputs=[dataset(name, "x", namespace="file")])])
    client = MarquezClient(relay)
    assert client.get_job("test", name)["name"] == name
    assert client.get_dataset("file", name)["name"] == name


def test_the_page_asks_nobody_but_the_relay(relay: str) -> None:
    for path in ("/", "/page/lineage.js", "/page/lineage.css"):
        page = httpx.get(relay + path)
        assert page.status_code == 200
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "http" not in page.text.replace("http://www.w3.org/2000/svg", "")


def test_while_postgres_is_down_a_post_is_refused_with_503(nowhere: Database) -> None:
    app = application(nowhere, NAMES)
    transport = httpx.ASGITransport(app)

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post("/api/v1/lineage", json=event().body)

    answer = asyncio.run(post())
    assert answer.status_code == 503
    assert "PostgreSQL" in answer.json()["message"]


def test_a_foreign_page_can_neither_write_here_nor_read_under_a_name_of_its_own(relay: str, database: Database) -> None:
    take(database, [event(outputs=[dataset("core.x", "a")])])
    tag = f"{relay}/api/v1/namespaces/test/jobs/job/tags/EVIL"
    assert httpx.post(tag, headers={"origin": "https://evil.example"}).status_code == 403
    assert httpx.post(tag, headers={"origin": "null"}).status_code == 403
    port = httpx.URL(relay).port
    assert httpx.get(f"{relay}/api/v1/namespaces", headers={"host": f"evil.example:{port}"}).status_code == 403
    assert httpx.get(f"{relay}/api/v1/namespaces", headers={"host": f"localhost:{port}"}).status_code == 200
    assert httpx.post(tag.replace("EVIL", "OWN"), headers={"origin": relay}).json()["tags"] == ["OWN"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/search?q=%00"),
        ("GET", "/api/v1/search?q=x&after=2026-13-45"),
        ("GET", "/api/v1/namespaces/test/jobs/a%00b"),
        ("GET", "/api/v1/lineage?nodeId=dataset:a:b%00"),
        ("POST", "/api/v1/jobs/runs/00000000-0000-0000-0000-000000000001/complete?at=yesterday"),
    ],
)
def test_a_value_that_can_not_be_asked_for_is_the_askers_fault(relay: str, method: str, path: str) -> None:
    answer = httpx.request(method, relay + path)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


def test_an_event_that_can_not_be_stored_is_refused_and_not_asked_for_again(relay: str) -> None:
    long = "".join(random.Random(7).choices(string.ascii_letters, k=9000))
    assert httpx.post(f"{relay}/api/v1/lineage", json=body(job=long)).status_code == 422


@pytest.mark.parametrize("depth", [100, 250, 500, 900, 5000])
def test_an_event_is_taken_or_refused_however_deep_it_is(relay: str, depth: int) -> None:
    deep = json.dumps(body(facets={"x": {"a@b": "DEEP"}})).replace('"DEEP"', "[" * depth + "]" * depth)
    answer = httpx.post(f"{relay}/api/v1/lineage", content=deep, headers={"content-type": "application/json"})
    assert answer.status_code == 201 or "nested too deeply" in answer.text or "not JSON" in answer.text


def test_many_senders_at_once_are_all_stored(relay: str, database: Database) -> None:
    def send(sender: int) -> None:
        with httpx.Client() as client:
            for n in range(20):
                told = event("COMPLETE", f"{sender}-{n}", f"job-{n}", outputs=[dataset(f"core.t{n}", "a")]).body
                client.post(f"{relay}/api/v1/lineage", json=told, timeout=60).raise_for_status()

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        found = connection.execute("select count(*) as events, count(distinct run_id) as runs from event").fetchone()
    assert found == {"events": 80, "runs": 80}
