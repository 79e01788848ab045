"""The verbs that print the inventory."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from enginedge.backup.commands import app as backup
from enginedge.deploy.commands import app as deploy
from enginedge.platform.schema import json_schema


def test_the_inventory_is_printed_whole_as_json() -> None:
    told = json.loads(CliRunner().invoke(deploy, ["inventory", "--json"]).stdout)
    assert {"postgres", "trino", "jupyter"} <= {service["name"] for service in told["services"]}


def test_the_inventorys_table_shows_the_ports_as_they_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_MINIO_CONSOLE", "19001")
    assert "console 19001" in CliRunner().invoke(deploy, ["inventory"]).stdout


def test_the_schema_is_printed_as_it_is_committed() -> None:
    assert CliRunner().invoke(deploy, ["schema"]).stdout == json_schema()


def test_the_backup_plan_names_every_store() -> None:
    told = json.loads(CliRunner().invoke(backup, ["plan", "--json"]).stdout)
    assert {"postgres", "minio", "mongodb", "kafka", "redis", "etcd"} <= {thing["service"] for thing in told}
    assert {"service": "etcd", "what": "etcd", "how": "snapshot"} in told
