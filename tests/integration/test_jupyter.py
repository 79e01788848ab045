"""What an analyst finds in JupyterLab: both notebooks of the repository run in kernels that the running server starts,
and show what an independent query says. The analyst can change nothing and sees no personal data."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from enginedge import lake, trino
from enginedge.errors import Misconfigured
from enginedge.lake.contracts import contracts
from enginedge.settings import settings
from tests.conftest import ROOT
from tests.integration.conftest import Lake

pytestmark = [
    pytest.mark.stack,
    pytest.mark.filterwarnings("default"),  # the notebooks' libraries have their own
]

NOTEBOOKS = ROOT / "deploy" / "jupyter" / "notebooks"
START_WITHIN_S = 120
MARTS = ("interviews__daily_funnel", "services__daily_throughput", "assistant__daily_usage", "news__daily_topics")


class Notebook:
    """The outputs of one notebook, executed cell by cell in a kernel of the server."""

    def __init__(self) -> None:
        self.text = ""
        self.plots: list[bytes] = []
        self.errors: list[str] = []

    def take(self, message: dict[str, Any]) -> None:
        content = message["content"]
        self.text += content.get("text", "") if message["msg_type"] == "stream" else ""
        self.text += content.get("data", {}).get("text/plain", "") + "\n"
        if "image/png" in content.get("data", {}):
            self.plots.append(base64.b64decode(content["data"]["image/png"]))
        if message["msg_type"] == "error":
            self.errors.append("\n".join(content["traceback"]))


@pytest.fixture(scope="module")
def server(running_stack: None) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {settings().secret('jupyter-token')}"}
    with httpx.Client(base_url=settings().endpoint("jupyter").url, headers=headers, timeout=60) as client:
        yield client


def execute(server: httpx.Client, name: str) -> Notebook:
    """Run the notebook as it lies in the server's folder, in a kernel that the server starts and ends."""
    served = server.get(f"/api/contents/examples/{name}").raise_for_status().json()["content"]
    kernel = server.post("/api/kernels", json={"name": "python3", "path": "examples"}).raise_for_status().json()["id"]
    runtime = settings().state / "data" / "jupyter" / "runtime"
    client = BlockingKernelClient(connection_file=str(runtime / f"kernel-{kernel}.json"))
    shown = Notebook()
    try:
        client.load_connection_file()
        client.start_channels()
        wait_for(client)
        for cell in nbformat.from_dict(served).cells:
            if cell.cell_type == "code" and not shown.errors:
                client.execute_interactive(cell.source, timeout=300, output_hook=shown.take, store_history=True)
    finally:
        client.stop_channels()
        server.delete(f"/api/kernels/{kernel}").raise_for_status()
    assert not shown.errors, shown.errors[0]
    return shown


def wait_for(client: BlockingKernelClient) -> None:
    """Return when the kernel answers. One that takes longer than a second to start is said to have died at first: the
    client takes its heart to beat until it has listened."""
    until = time.monotonic() + START_WITHIN_S
    while True:
        try:
            return client.wait_for_ready(timeout=START_WITHIN_S)
        except RuntimeError:
            if time.monotonic() > until:
                raise


def counted(table: str) -> int:
    return int(trino.query(f"select count(*) from {table}").rows[0][0])  # noqa: S608


def test_the_server_lets_nobody_in_without_its_token(server: httpx.Client) -> None:
    assert httpx.get(f"{server.base_url}/api/contents").status_code == 403


def test_the_committed_notebooks_hold_no_output() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert [cell.get("outputs", []) for cell in cells if cell.get("outputs")] == [], path


def test_the_marts_notebook_plots_and_counts_what_trino_counts(
    server: httpx.Client, lake_of_one_night: Lake, tmp_path: Path
) -> None:
    shown = execute(server, "marts.ipynb")
    assert len(shown.plots) == 3
    assert all(plot.startswith(b"\x89PNG") and len(plot) > 5_000 for plot in shown.plots)
    assert "Owner: data-platform" in shown.text
    for mart in MARTS:
        rows = {
            line.split()[0]: line.split()[-1] for line in shown.text.splitlines() if line.startswith(f"mart.{mart}")
        }
        assert rows[f"mart.{mart}"] == str(counted(f"mart.{mart}"))


def test_the_spark_notebook_counts_what_trino_counts(server: httpx.Client, lake_of_one_night: Lake) -> None:
    shown = execute(server, "spark_table.ipynb")
    assert f"rows: {counted('core.kafka__service_events')}\n" in shown.text
    assert "mongodb__users" not in shown.text  # a table with personal columns is not offered as files
    assert len(shown.plots) == 1


def test_a_frame_says_what_it_is_whose_it_is_and_how_fresh(lake_of_one_night: Lake) -> None:
    read = lake.table("mart.interviews__daily_funnel")
    assert len(read) == counted("mart.interviews__daily_funnel")
    assert (read.attrs["owner"], read.attrs["table"]) == ("data-platform", "mart.interviews__daily_funnel")
    assert all(read.attrs["columns"].values())
    published = trino.query('select max(made_current_at) from mart."interviews__daily_funnel$history"').rows[0][0]
    assert read.attrs["published_at"] == published
    assert str(read["entered_on"].dtype) == "datetime64[us]"


def test_a_core_frame_names_the_night_that_it_holds(lake_of_one_night: Lake) -> None:
    read = lake.table("core.kafka__service_events", columns=["event_id"], limit=None)
    assert read.attrs["night"] == lake_of_one_night.night
    assert len(read) == counted("core.kafka__service_events")


def test_everything_listed_has_a_description_and_an_owner(lake_of_one_night: Lake) -> None:
    listed = lake.tables().set_index("table")
    assert {f"mart.{mart}" for mart in MARTS} <= set(listed.index)
    assert {name.partition(".")[0] for name in listed.index} <= {"core", "mart", "ops"}
    assert listed["description"].all()
    assert listed["owner"].all()
    assert listed["published_at"].notna().all()


@pytest.mark.parametrize(
    "statement",
    [
        "create table mart.mine as select 1 as a",
        "delete from mart.interviews__daily_funnel",
        "drop table mart.interviews__daily_funnel",
        "update core.kafka__service_events set attempt = 0",
        "select * from raw.mongodb__users",
        "select * from quarantine.mongodb__users",
        'select * from core."mongodb__users$files"',
    ],
)
def test_an_analyst_changes_nothing_and_reads_nothing_unpublished(lake_of_one_night: Lake, statement: str) -> None:
    with pytest.raises(Misconfigured, match=r"PERMISSION_DENIED|TABLE_NOT_FOUND|SCHEMA_NOT_FOUND"):
        lake.query(statement)


def test_an_analyst_sees_no_personal_value(lake_of_one_night: Lake) -> None:
    for promised in contracts("core"):
        personal = [column.name for column in promised.personal()]
        if personal and counted(promised.table):
            read = lake.table(promised.table)
            assert read[[name for name in personal if name in read]].isna().all(axis=None), promised.table


def test_the_analysts_key_to_the_object_store_writes_nothing(running_stack: None) -> None:
    import boto3
    from botocore.exceptions import ClientError

    store = boto3.client(
        "s3",
        endpoint_url=settings().endpoint("minio").url,
        region_name="us-east-1",
        aws_access_key_id="analyst",
        aws_secret_access_key=settings().secret("minio-analyst"),
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        store.put_object(Bucket="lake", Key="mart/mine", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        store.list_objects_v2(Bucket="platform")
