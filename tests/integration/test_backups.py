"""Every store of the running stack, backed up while the stack works, and proved restorable by a drill of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enginedge.backup.stores import store_names
from tests.installation import enginedge

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("running_stack")]


@pytest.fixture(scope="module")
def taken(running_stack: None) -> dict[str, Any]:
    """One backup of every store, by the command line."""
    return {each["store"]: each for each in json.loads(enginedge("backup", "now", "--json").stdout)}


def test_every_store_is_backed_up(taken: dict[str, Any]) -> None:
    assert set(taken) == set(store_names()) == {"postgres", "minio", "mongodb", "kafka", "redis", "etcd", "jupyter"}
    assert all(each["bytes_in"] > 0 for each in taken.values())


def test_every_store_is_proved_restorable(taken: dict[str, Any]) -> None:
    reports = {each["store"]: each for each in json.loads(enginedge("backup", "drill", "--json").stdout)}
    assert {store: each["manifest"] for store, each in reports.items()} == {
        store: each["id"] for store, each in taken.items()
    }
    assert reports["postgres"]["parts"] > 60, "Airflow's, the metastore's, the relay's and the platform's tables"
    proved = json.loads(enginedge("backup", "list", "--json").stdout)
    assert {each["store"] for each in proved if each["verified_at"]} == set(taken)


def test_every_store_is_copied_off_site_and_its_tables_are_proved_restorable_from_there(taken: dict[str, Any]) -> None:
    enginedge("backup", "copy")
    there = {each["id"] for each in json.loads(enginedge("backup", "list", "--from", "offsite", "--json").stdout)}
    assert there >= {each["id"] for each in taken.values()}
    (report,) = json.loads(enginedge("backup", "drill", "--store", "postgres", "--from", "offsite", "--json").stdout)
    assert report["manifest"] == taken["postgres"]["id"]
    assert report["parts"] > 60
