"""Every store of the running stack, backed up while the stack works, and proved restorable by a drill of each."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import boto3
import pytest

from enginedge import trino
from enginedge.backup.stores import store_names
from enginedge.lake.declared import marts
from enginedge.settings import settings
from tests.installation import enginedge
from tests.integration.conftest import Lake, ProvedStores

pytestmark = pytest.mark.stack


@pytest.fixture
def taken(proved_stores: ProvedStores) -> dict[str, Any]:
    """A proved backup of every store, as the main job ends with it."""
    return proved_stores.rows


def test_every_store_is_backed_up_and_proved_restorable(taken: dict[str, Any]) -> None:
    assert set(taken) == set(store_names()) == {"postgres", "minio", "mongodb", "kafka", "redis", "etcd", "jupyter"}
    assert all(each["proved"] for each in taken.values())
    assert all(each["bytes_in"] > 0 for each in taken.values())
    assert taken["postgres"]["parts"] > 60, "Airflow's, the metastore's, the relay's and the platform's tables"
    listed = {each["id"]: each for each in json.loads(enginedge("backup", "list", "--json").stdout)}
    assert all(listed[each["backup"]]["verified_at"] for each in taken.values())


def test_what_has_not_changed_since_is_not_backed_up_again(proved_stores: ProvedStores) -> None:
    first, again = (enginedge("backup", "prove", "--since", proved_stores.since, "--json").stdout for _ in range(2))
    assert json.loads(again) == json.loads(first)
    assert all(each["proved"] for each in json.loads(first))


def test_when_the_lake_was_published_last_is_what_its_tables_tell(lake_of_one_night: Lake) -> None:
    history = [trino.query(f'select max(made_current_at) from mart."{each.model}$history"') for each in marts()]  # noqa: S608
    told = max(f"{answer.rows[0][0]:%Y-%m-%dT%H:%M:%S}" for answer in history)
    assert enginedge("lake", "last-published").stdout.strip() == told


@pytest.mark.usefixtures("taken")
def test_every_store_is_copied_off_site_and_its_tables_are_proved_restorable_from_there() -> None:
    newest = {each["store"]: each["id"] for each in json.loads(enginedge("backup", "list", "--json").stdout)}
    enginedge("backup", "copy")
    there = {each["id"] for each in json.loads(enginedge("backup", "list", "--from", "offsite", "--json").stdout)}
    assert there >= {newest[store] for store in store_names()}
    (report,) = json.loads(enginedge("backup", "drill", "--store", "postgres", "--from", "offsite", "--json").stdout)
    assert report["manifest"] == newest["postgres"]
    assert report["parts"] > 60


def test_trino_reads_the_rows_that_the_catalogues_hold_and_analysts_may(taken: dict[str, Any]) -> None:
    """The objects in the buckets are counted, and read, by boto3."""
    enginedge("backup", "publish")
    asked = "select store, backup_id, taken_at, read_bytes, stored_bytes, verified_at is not null from ops.backups"
    rows = {each[1]: each for each in trino.query(asked, user="analyst").rows}
    manifests = signed("minio", "backup", "manifests/")
    assert rows.keys() == {each["id"] for each in manifests} >= {each["backup"] for each in taken.values()}
    for each in manifests:
        store, _, taken_at, *sizes, _ = rows[each["id"]]
        told = (each["store"], datetime.fromisoformat(each["taken_at"]), each["bytes_in"], each["bytes_stored"])
        assert (store, taken_at, *sizes) == told
    assert all(rows[each["backup"]][5] for each in taken.values())
    asked = "select store, backup_id, drilled_at, restore_s, parts from ops.drills where place = 'primary'"
    assert set(map(tuple, trino.query(asked, user="analyst").rows)) == {
        (each["store"], each["manifest"], datetime.fromisoformat(each["drilled_at"]), each["restore_s"], each["parts"])
        for each in signed("minio", "backup", "drills/")
    }


def test_the_tables_are_replaced_and_not_added_to(taken: dict[str, Any]) -> None:
    assert taken
    counts = [json.loads(enginedge("backup", "publish", "--json").stdout) for _ in range(2)]
    assert counts[0] == counts[1]
    assert trino.query("select count(*) from ops.backups").rows == [(counts[1][0]["rows"],)]


def signed(service: str, user: str, prefix: str) -> list[dict[str, Any]]:
    """The bodies of the signed objects under ``prefix`` in the bucket of the backups."""
    login = {"aws_access_key_id": user, "aws_secret_access_key": settings().secret(f"{service}-{user}")}
    client = boto3.client("s3", endpoint_url=settings().endpoint(service).url, region_name="us-east-1", **login)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="backup", Prefix=prefix)
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    bodies = [json.loads(client.get_object(Bucket="backup", Key=key)["Body"].read())["body"] for key in keys]
    client.close()
    return bodies
