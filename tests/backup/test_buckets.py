"""Buckets' backups: the suite, and what only buckets have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from enginedge.backup.object_store import ObjectStore
from enginedge.backup.scratch.minio import scratch_minio
from enginedge.backup.sources.buckets import Buckets, Version, versions
from enginedge.backup.stores import Store, declared_stores
from enginedge.settings import settings
from tests.contracts.backup_source import CANARY, BackupSourceSuite, Taken

BUCKET = "platform"
PREFIX = "backup-suite"


def client(user: str = "platform") -> Any:
    login = {"aws_access_key_id": user, "aws_secret_access_key": settings().secret(f"minio-{user}")}
    return boto3.client("s3", endpoint_url=settings().endpoint("minio").url, region_name="us-east-1", **login)


@pytest.mark.stores
class TestBuckets(BackupSourceSuite):
    dumper = "enginedge.backup.sources.buckets"
    questions = 1

    def store(self) -> Store:
        (store,) = declared_stores(["minio"])
        source = replace(store.source, buckets=(BUCKET,))
        return replace(store, source=source, scratch=lambda: scratch_minio([BUCKET]))

    def live(self) -> ObjectStore:
        return self.store().source.store

    def unreachable(self) -> Buckets:
        return Buckets(replace(self.live(), url="http://127.0.0.1:1"), (BUCKET,))

    def seed(self) -> None:
        store = client()
        for number in range(60):
            store.put_object(Bucket=BUCKET, Key=f"{PREFIX}/small/{number} ü", Body=f"{number}".encode() * number)
        store.put_object(Bucket=BUCKET, Key=f"{PREFIX}/small/0 ü", Body=b"written over", ContentType="text/x-odd")
        store.put_object(Bucket=BUCKET, Key=f"{PREFIX}/sung", Body=CANARY.encode())
        store.put_object(Bucket=BUCKET, Key=f"{PREFIX}/gone/1", Body=b"deleted before the backup")
        store.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/gone/1")
        store.put_object(Bucket=BUCKET, Key=f"{PREFIX}/large/1", Body=bytes(range(256)) * 40_000, Metadata={"a": "b"})

        told = {"ContentEncoding": "gzip", "CacheControl": "no-store", "ContentDisposition": 'inline; filename="a"'}
        store.put_object(Bucket=BUCKET, Key=f"{PREFIX}/packed", Body=b"no gzip", ContentLanguage="de", **told)
        store.put_object(Bucket=BUCKET, Key=f"{PREFIX}/größe/", Body=b"")

    def write(self, number: int) -> None:
        if not hasattr(self, "client"):
            self.client = client()
        self.client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/small/{number % 60} ü", Body=f"new {number}".encode())
        self.client.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/large/1")

    def close(self) -> None:
        self.client.close()

    def alter(self, target: ObjectStore) -> str:
        with target.client() as store:
            store.put_object(Bucket=BUCKET, Key=f"{PREFIX}/small/7 ü", Body=b"7777776")
        return f"{BUCKET}/{PREFIX}/small is "

    def test_every_folder_is_described(self, taken: Taken) -> None:
        parts = taken.manifest.dumped.fingerprint.parts
        assert parts[f"{BUCKET}/{PREFIX}/small"].startswith("60 files, ")
        assert f"{BUCKET}/{PREFIX}/gone" not in parts

    def test_what_is_kept_beside_the_bytes_is_restored_too(self, restored: ObjectStore) -> None:
        with restored.client() as store:
            kinds = {
                store.head_object(Bucket=BUCKET, Key=each["Key"])["ContentType"]
                for each in store.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/small/")["Contents"]
            }
            packed = store.head_object(Bucket=BUCKET, Key=f"{PREFIX}/packed")
            plain = store.head_object(Bucket=BUCKET, Key=f"{PREFIX}/sung")
            marker = store.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/größe")["Contents"]
        assert kinds <= {"text/x-odd", "binary/octet-stream"}
        assert (packed["ContentEncoding"], packed["ContentLanguage"]) == ("gzip", "de")
        assert (packed["CacheControl"], packed["ContentDisposition"]) == ("no-store", 'inline; filename="a"')
        assert "ContentEncoding" not in plain
        assert [each["Key"] for each in marker] == [f"{PREFIX}/größe/"]


class Listing:
    """What a bucket lists of its versions."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = pages

    def get_paginator(self, _: str) -> Listing:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        return iter(self.pages)


def version(key: str, id_: str, second: int) -> dict[str, Any]:
    return {"Key": key, "VersionId": id_, "LastModified": datetime(2026, 11, 25, 1, 0, second, tzinfo=UTC)}


def test_of_each_key_the_version_is_read_that_was_current_at_the_moment() -> None:
    listing = Listing(
        {
            "Versions": [
                *(version("a", "a2", 20), version("a", "a1", 5)),
                *(version("b", "b1", 5),),
                *(version("c", "c2", 20), version("c", "c1", 5)),
                *(version("d", "d1", 20),),
            ],
            "DeleteMarkers": [version("b", "-", 7), version("c", "-", 15)],
        },
        {"Versions": [version("e", "e1", 1)], "DeleteMarkers": [version("e", "-", 20)]},
    )
    moment = datetime(2026, 11, 25, 1, 0, 10, tzinfo=UTC)
    assert list(versions(listing, "any", moment)) == [Version("a", "a1"), Version("c", "c1"), Version("e", "e1")]
    later = [each.id for each in versions(listing, "any", moment + timedelta(seconds=30))]
    assert later == ["a2", "c2", "d1"]
