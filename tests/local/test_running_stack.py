"""The running stack: nothing listens beyond loopback, no secret shows, everyone gets in only as far as they may."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError

from deploy.local import kernel, remains
from deploy.local.credentials import SECRETS
from deploy.local.layout import Local, local
from deploy.local.services.spark import application_environment
from deploy.local.status import look, memory_bytes
from deploy.local.supervisor import Supervisor
from enginedge.errors import Misconfigured
from enginedge.trino import query
from tests.installation import secret_values

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("running_stack")]

MIB = 2**20
JOB = """
import sys, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("listens-nowhere").getOrCreate()
spark.range(1000).repartition(2).count()
print("working", flush=True)
time.sleep(4)
spark.stop()
"""


@pytest.fixture(scope="module")
def here(running_stack: None) -> Local:
    return local()


@pytest.fixture(scope="module")
def secrets(here: Local) -> dict[str, str]:
    found = secret_values(here.settings.secrets)
    assert {name.partition(" ")[0] for name in found} >= set(SECRETS)
    return found


@dataclass(frozen=True)
class Seen:
    """What the kernel showed of one process."""

    command: str
    environment: dict[str, str]
    sockets: set[str]


@dataclass(frozen=True)
class WorkingStack:
    """What the kernel showed of the stack while a Spark application ran on it, the application's driver included."""

    processes: list[Seen]
    listeners: list[kernel.Listener]


@pytest.fixture(scope="module")
def working_stack(here: Local) -> WorkingStack:
    driver = subprocess.Popen(
        [sys.executable, "-c", JOB],
        env={**os.environ, **application_environment(here)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert driver.stdout is not None
    assert driver.stdout.readline() == "working\n"
    everything = kernel.processes()
    ours = remains.belonging(here) + kernel.with_descendants([kernel.process(driver.pid)], everything)
    seen = [Seen(each.command, kernel.environment(each.pid), kernel.sockets(each.pid)) for each in ours]
    listeners = kernel.listeners()
    driver.communicate()
    assert driver.returncode == 0
    return WorkingStack(seen, listeners)


def test_every_service_is_ready(here: Local) -> None:
    rows = look(here, Supervisor(here))
    assert {row.service: row.reason for row in rows if row.state != "Ready"} == {}
    assert all(row.memory_mib > 0 for row in rows)


def test_nothing_listens_beyond_loopback(working_stack: WorkingStack) -> None:
    holders = {inode: each.command[:80] for each in working_stack.processes for inode in each.sockets}
    mine = [(each, holders[each.inode]) for each in working_stack.listeners if each.inode in holders]
    assert len(mine) > 20
    assert [each for each in mine if not each[0].is_loopback] == []


def test_every_port_of_the_inventory_is_listened_on(here: Local, working_stack: WorkingStack) -> None:
    open_ports = {listener.port for listener in working_stack.listeners}
    wanted = {here.port(service.name, port) for service in here.platform.services for port in service.ports}
    assert wanted - open_ports == set()


def test_no_secret_is_in_a_command_or_an_environment(working_stack: WorkingStack, secrets: dict[str, str]) -> None:
    shown = [
        (name, each.command[:80])
        for each in working_stack.processes
        for name, value in secrets.items()
        if value in each.command or any(value in told for told in each.environment.values())
    ]
    assert shown == []


def test_no_secret_is_in_a_log(here: Local, secrets: dict[str, str]) -> None:
    folders = [here.state / "log", here.data("airflow") / "logs", here.state / "lineage", here.run]
    shown = []
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        text = path.read_bytes()
        shown += [(name, path) for name, value in secrets.items() if value.encode() in text]
    assert shown == []


def test_no_file_of_the_stack_that_holds_a_secret_can_be_read_by_others(here: Local) -> None:
    loose = [
        path
        for folder in (here.settings.secrets, here.state / "conf")
        for path in [folder, *folder.rglob("*")]
        if not path.is_symlink() and path.stat().st_mode & 0o077 and path.suffix != ".class"
    ]
    assert loose == []


def test_the_whole_stack_stays_below_ten_gibibytes(here: Local) -> None:
    assert memory_bytes(here) < 10 * 1024 * MIB


def test_every_store_refuses_a_wrong_password(here: Local) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=here.port("postgres"), user="platform", password=here.secret("redis"))
    with pytest.raises(ClientError):
        s3(here, "lake", here.secret("redis")).list_objects_v2(Bucket="lake")


def allowed(call: Callable[[], object]) -> bool:
    """Whether the store does it; anything but a plain refusal is raised."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def s3(here: Local, user: str, password: str = "") -> Any:
    login = {"aws_access_key_id": user, "aws_secret_access_key": password or here.secret(f"minio-{user}")}
    return boto3.client("s3", endpoint_url=here.url("minio"), region_name="us-east-1", **login)


@pytest.mark.parametrize(
    ("user", "bucket", "may"),
    [
        ("platform", "platform", "write"),
        ("platform", "lake", "nothing"),
        ("lake", "lake", "write"),
        ("lake", "platform", "read"),
        ("lake", "backup", "nothing"),
        ("backup", "lake", "read"),
        ("health", "health", "write"),
        ("health", "backup", "nothing"),
        ("analyst", "lake", "nothing"),
        ("analyst", "platform", "nothing"),
    ],
)
def test_a_bucket_opens_only_to_its_users(here: Local, user: str, bucket: str, may: str) -> None:
    client, name = s3(here, user), f"test/{user}"
    assert allowed(lambda: client.list_objects_v2(Bucket=bucket, MaxKeys=1)) is (may != "nothing")
    assert allowed(lambda: client.put_object(Bucket=bucket, Key=name, Body=b"x")) is (may == "write")
    if may == "write":
        client.delete_object(Bucket=bucket, Key=name)


@pytest.mark.parametrize(
    ("role", "database", "statement", "is_allowed"),
    [
        ("lake", "platform", "create table lease.test (a int); drop table lease.test", True),
        ("lake", "platform", "create table public.test (a int)", False),
        ("airflow-reader", "airflow", "select count(*) from dag_run", True),
        ("airflow-reader", "airflow", "delete from dag_run where false", False),
        ("lineage", "platform", "select 1", False),
        ("platform", "airflow", "select 1", False),
    ],
)
def test_a_database_opens_only_to_its_roles(
    here: Local, role: str, database: str, statement: str, is_allowed: bool
) -> None:
    login = {"user": role.replace("-", "_"), "password": here.secret(f"postgres-{role}"), "dbname": database}
    expectation = nullcontext() if is_allowed else pytest.raises(psycopg.Error, match="permission denied")
    address = {"host": "127.0.0.1", "port": here.port("postgres")}
    with expectation, psycopg.connect(**address, **login, autocommit=True) as connection:
        connection.execute(statement)


def test_an_analyst_cannot_write_through_trino_nor_see_raw_files() -> None:
    assert query("select count(*) from lake.information_schema.tables", user="analyst").rows
    with pytest.raises(Misconfigured, match="Access Denied"):
        query("create schema lake.mine", user="analyst")
    with pytest.raises(Misconfigured, match="Access Denied"):
        query("show schemas from files", user="analyst")
    with pytest.raises(Misconfigured, match="Access Denied"):
        query("select * from lake.system.iceberg_tables", user="nobody")


def test_bringing_up_what_is_up_changes_nothing(here: Local) -> None:
    before = {row.service: row.pid for row in look(here, Supervisor(here))}
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "deploy.local.stack", "up"], cwd=here.root, check=True)
    assert time.monotonic() - began < 60
    assert {row.service: row.pid for row in look(here, Supervisor(here))} == before


def test_the_supervisors_socket_is_in_a_private_place(here: Local) -> None:
    socket = here.socket("supervisor.sock")
    assert Path(socket).is_socket()
    assert socket.parent.stat().st_mode & 0o077 == 0
