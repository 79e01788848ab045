"""The bucket of the backups is made so that nothing in it can be deleted, also where it was made otherwise before."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from minio import Minio

from deploy.local.services.minio_buckets import LOCKED_DAYS, make, make_locked
from enginedge.backup.scratch.minio import scratch_minio
from enginedge.errors import Misconfigured


@pytest.fixture(scope="module")
def client() -> Iterator[Minio]:
    with scratch_minio([]) as store:
        address = store.url.removeprefix("http://")
        yield Minio(endpoint=address, access_key=store.user, secret_key=store.password, secure=False)


def put(client: Minio, bucket: str) -> None:
    client.put_object(bucket_name=bucket, object_name="thing", data=io.BytesIO(b"x"), length=1)


def test_what_is_put_into_it_is_locked(client: Minio) -> None:
    make_locked("new", client)
    make_locked("new", client)
    put(client, "new")
    assert client.get_object_retention(bucket_name="new", object_name="thing") is not None
    assert client.get_object_lock_config(bucket_name="new").duration == LOCKED_DAYS


def test_an_empty_bucket_that_was_made_otherwise_is_made_anew(client: Minio) -> None:
    make("otherwise", client)
    make_locked("otherwise", client)
    put(client, "otherwise")
    assert client.get_object_retention(bucket_name="otherwise", object_name="thing") is not None


def test_a_bucket_that_is_not_empty_is_left_alone(client: Minio) -> None:
    make("filled", client)
    put(client, "filled")
    with pytest.raises(Misconfigured, match="was not made to be locked"):
        make_locked("filled", client)
    assert [each.object_name for each in client.list_objects(bucket_name="filled")] == ["thing"]
