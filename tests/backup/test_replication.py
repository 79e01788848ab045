"""What is written into a bucket is at the second place moments later; what is erased here is not erased there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any
from uuid import uuid4

import boto3
import pytest

from deploy.local.layout import local
from deploy.local.services import minio, offsite
from enginedge.backup.replication import RULE, replicate, waiting
from enginedge.errors import Misconfigured, Unavailable
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


@pytest.fixture(autouse=True)
def _as_it_was(here: Any, there: Any) -> Iterator[None]:
    """No bucket is replicated before and after a test, and the counterparts are empty."""

    def clean() -> None:
        for bucket in minio.replicated(local()):
            with suppress(here.exceptions.ClientError):  # MinIO refuses where there is none
                here.delete_bucket_replication(Bucket=bucket)
            for each in versions(there, bucket):
                there.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])

    clean()
    yield
    clean()


def versions(client: Any, bucket: str = BUCKET, key: str = "") -> list[dict[str, Any]]:
    """Every version and mark of deletion."""
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    return [each for page in pages for kind in ("Versions", "DeleteMarkers") for each in page.get(kind, ())]


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
    for each in versions(here, key=key):
        here.delete_object(Bucket=BUCKET, Key=key, VersionId=each["VersionId"])
    assert versions(here, key=key) == []
    here.put_object(Bucket=BUCKET, Key=f"{key} later", Body=b"later")
    in_time(lambda: read(there, f"{key} later") == b"later")
    assert (read(there, key, VersionId=first), read(there, key, VersionId=second)) == (b"first", b"second")


def test_what_is_not_there_yet_is_counted_with_since_when(here: Any, there: Any, key: str) -> None:
    def told() -> dict[str, Any]:
        return {each["bucket"]: each for each in waiting()}[BUCKET]

    def current(client: Any) -> dict[str, str | None]:
        latest = [each for each in versions(client) if each["IsLatest"]]
        return {each["Key"]: each["VersionId"] if "Size" in each else None for each in latest}

    def differing() -> set[str]:
        arrived = current(there)
        return {each for each, version in current(here).items() if version != arrived.get(each)}

    here.put_object(Bucket=BUCKET, Key=f"{key} before", Body=b"before")
    before, objects = told(), [each for each in current(here).values() if each]
    assert (before["replicated"], before["objects"], before["waiting"]) == (False, len(objects), len(objects))
    oldest = min(each["LastModified"] for each in versions(here) if each["VersionId"] in objects)
    assert before["since"] == oldest.isoformat(timespec="seconds")

    replicate()
    for name in ("kept ü", "gone"):
        for body in (b"one", b"other"):
            here.put_object(Bucket=BUCKET, Key=f"{key} {name}", Body=body)
    here.delete_object(Bucket=BUCKET, Key=f"{key} gone")
    in_time(lambda: not differing() & {f"{key} kept ü", f"{key} gone"})
    for each in versions(there, key=f"{key} "):
        if each["IsLatest"]:
            there.delete_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])
    assert differing() >= {f"{key} kept ü", f"{key} gone"}, "the older version is there, and what is deleted here"
    in_time(lambda: told()["waiting"] == len(differing()))  # what was there before arrives all the while
    assert (told()["replicated"], told()["objects"]) == (True, before["objects"] + 1)


@pytest.mark.parametrize("away", ["minio", "offsite"])
def test_the_place_that_does_not_answer_is_the_one_that_is_named(away: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ENGINEDGE_PORT_{away.upper()}", "1")
    settings.cache_clear()
    try:
        with pytest.raises(Unavailable) as told:
            waiting()
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert told.value.where == "http://127.0.0.1:1"


def test_a_bucket_that_is_none_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"nosuch is not replicated.*platform, lake"):
        replicate(["nosuch"])


def test_what_may_be_newer_there_is_overwritten_only_by_a_word(here: Any, there: Any, key: str) -> None:
    """As when the first place was lost, and restored from last night's backup."""
    there.put_object(Bucket=BUCKET, Key=key, Body=b"newer")
    with pytest.raises(Misconfigured, match=r"the bucket platform there has objects already.*--over platform"):
        replicate()
    for bucket in minio.replicated(local()):
        with pytest.raises(here.exceptions.ClientError, match="ReplicationConfigurationNotFound"):
            here.get_bucket_replication(Bucket=bucket)
    assert read(there, key) == b"newer"
    assert [each["bucket"] for each in replicate(["platform"])] == ["platform", "lake"]


def test_another_rule_of_a_bucket_stays(here: Any) -> None:
    replicate()
    found = here.get_bucket_replication(Bucket=BUCKET)["ReplicationConfiguration"]
    other = {**found["Rules"][0], "ID": "somebody-elses", "Priority": 7, "Filter": {"Prefix": "theirs/"}}
    here.put_bucket_replication(Bucket=BUCKET, ReplicationConfiguration={"Role": "", "Rules": [other]})
    replicate(["platform"])
    rules = here.get_bucket_replication(Bucket=BUCKET)["ReplicationConfiguration"]["Rules"]
    assert {each["ID"]: each["Priority"] for each in rules} == {"somebody-elses": 7, RULE: 8}


def test_another_machine_gets_no_object_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEDGE_HOST_OFFSITE", "backup.example")
    settings.cache_clear()
    try:
        with pytest.raises(Misconfigured, match="the objects would go there unencrypted"):
            replicate()
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_second_place_that_refuses_the_login_is_named() -> None:
    _, admin = minio.as_root(local(), "offsite")
    admin.user_add("replica", "another-password-than-ours")
    try:
        with pytest.raises(Unavailable, match=r"(?s)set-remote-target of platform was refused.*make logs S=offsite"):
            replicate()
    finally:
        offsite.set_up(local())
    replicate()
