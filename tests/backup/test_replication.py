"""What is written into a bucket is at the second place moments later; what is erased here is not erased there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import boto3
import pytest

from deploy.local.layout import local
from deploy.local.services import minio, offsite
from enginedge.backup.replication import replicate
from enginedge.errors import Unavailable
from enginedge.settings import settings

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("running_stores")]
BUCKET, WITHIN_S = "platform", 60.0


def root(service: str) -> Any:
    login = {"aws_access_key_id": "root", "aws_secret_access_key": settings().secret(f"{service}-root")}
    return boto3.client("s3", endpoint_url=settings().endpoint(service).url, region_name="us-east-1", **login)


@pytest.fixture(scope="module")
def here() -> Iterator[Any]:
    with closing(root("minio")) as client:
        yield client


@pytest.fixture(scope="module")
def there() -> Iterator[Any]:
    with closing(root("offsite")) as client:
        yield client


@pytest.fixture
def key() -> str:
    return f"replication/{uuid4().hex}"


def read(client: Any, key: str, **version: str) -> bytes | None:
    """The object, or nothing where it is not there."""
    try:
        return bytes(client.get_object(Bucket=BUCKET, Key=key, **version)["Body"].read())
    except client.exceptions.NoSuchKey:
        return None


def in_time(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.2)


def test_what_is_written_is_there_with_its_version_and_what_is_erased_here_stays(
    here: Any, there: Any, key: str
) -> None:
    rows = replicate()
    assert [each["bucket"] for each in rows] == ["platform", "lake"]
    assert replicate() == rows

    first = here.put_object(Bucket=BUCKET, Key=key, Body=b"first")["VersionId"]
    second = here.put_object(Bucket=BUCKET, Key=key, Body=b"second")["VersionId"]
    in_time(lambda: read(there, key) == b"second" and read(there, key, VersionId=first) == b"first")
    assert read(there, key, VersionId=second) == b"second"

    here.delete_object(Bucket=BUCKET, Key=key)
    in_time(lambda: read(there, key) is None)
    here.delete_object(Bucket=BUCKET, Key=key, VersionId=first)
    here.delete_object(Bucket=BUCKET, Key=key, VersionId=second)
    assert here.list_object_versions(Bucket=BUCKET, Prefix=key).get("Versions", []) == []
    time.sleep(2)
    assert (read(there, key, VersionId=first), read(there, key, VersionId=second)) == (b"first", b"second")


def test_a_second_place_that_refuses_the_login_is_named(key: str) -> None:
    _, admin = minio.as_root(local(), "offsite")
    admin.user_add("replica", "another-password-than-ours")
    try:
        with pytest.raises(Unavailable, match=r"(?s)set-remote-target of platform was refused.*make logs S=offsite"):
            replicate()
    finally:
        offsite.set_up(local())
    replicate()
