"""Every store of the running stack, backed up while the stack works, and proved restorable by a drill of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enginedge import trino
from enginedge.backup.stores import store_names
from enginedge.lake.declared import marts
from tests.installation import enginedge
from tests.integration.conftest import Lake

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def taken(lake_of_two_nights: Lake) -> dict[str, Any]:
    """A proved backup of every store, as the main job ends with it."""
    assert lake_of_two_nights.summaries
    since = enginedge("lake", "last-published").stdout.strip()
    return {each["store"]: each for each in json.loads(enginedge("backup", "prove", "--since", since, "--json").stdout)}


def test_every_store_is_backed_up_and_proved_restorable(taken: dict[str, Any]) -> None:
    assert set(taken) == set(store_names()) == {"postgres", "minio", "mongodb", "kafka", "redis", "etcd", "jupyter"}
    assert all(each["proved"] for each in taken.values())
    assert all(each["bytes_in"] > 0 for each in taken.values())
    assert taken["postgres"]["parts"] > 60, "Airflow's, the metastore's, the relay's and the platform's tables"
    listed = {each["id"]: each for each in json.loads(enginedge("backup", "list", "--json").stdout)}
    assert all(listed[each["backup"]]["verified_at"] for each in taken.values())


def test_what_has_not_changed_since_is_not_backed_up_again(taken: dict[str, Any]) -> None:
    since = enginedge("lake", "last-published").stdout.strip()
    history = [trino.query(f'select max(made_current_at) from mart."{each.model}$history"') for each in marts()]  # noqa: S608
    assert since == max(f"{answer.rows[0][0]:%Y-%m-%dT%H:%M:%S}" for answer in history)
    again = json.loads(enginedge("backup", "prove", "--since", since, "--json").stdout)
    assert {each["store"]: each for each in again} == taken


def test_every_store_is_copied_off_site_and_its_tables_are_proved_restorable_from_there(taken: dict[str, Any]) -> None:
    enginedge("backup", "copy")
    there = {each["id"] for each in json.loads(enginedge("backup", "list", "--from", "offsite", "--json").stdout)}
    assert there >= {each["backup"] for each in taken.values()}
    (report,) = json.loads(enginedge("backup", "drill", "--store", "postgres", "--from", "offsite", "--json").stdout)
    assert report["manifest"] == taken["postgres"]["backup"]
    assert report["parts"] > 60
