"""A bucket printed as a tar archive, and filled from one, by the shortest program that does it: what our source is
compared with."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from enginedge.backup.object_store import ObjectStore

BLOCK = 1024 * 1024


@contextmanager
def client(store: ObjectStore) -> Iterator[Any]:
    """boto3's own, with its own defaults."""
    login = {"aws_access_key_id": store.user, "aws_secret_access_key": store.password}
    made = boto3.client("s3", endpoint_url=store.url, region_name="us-east-1", **login)
    yield made
    made.close()


def dump(s3: Any, bucket: str) -> None:
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", bufsize=BLOCK) as archive:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", ()):
                member = tarfile.TarInfo(each["Key"])
                member.size = each["Size"]
                archive.addfile(member, s3.get_object(Bucket=bucket, Key=each["Key"])["Body"])


def load(s3: Any, bucket: str) -> None:
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|", bufsize=BLOCK) as archive:
        for member in archive:
            s3.put_object(Bucket=bucket, Key=member.name, Body=archive.extractfile(member).read())  # type: ignore[union-attr]


if __name__ == "__main__":
    verb, url, user, password_file, name = sys.argv[1:]
    with client(ObjectStore(url, user, Path(password_file))) as there:
        (dump if verb == "dump" else load)(there, name)
