"""The night's news and documents into MinIO's bucket ``platform``: the same keys and the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from itertools import chain
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from enginedge.errors import Unavailable
from enginedge.sample import articles, documents
from enginedge.sample.night import Night
from enginedge.sample.writers import Written, refused, silent
from enginedge.settings import settings
from enginedge.storage import s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STORE, SERVICE = "bucket", "minio"
BUCKET = "platform"
PREFIXES = ("news", "resumes")
REFUSALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "NoSuchBucket", "404"}
FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}


@contextmanager
def connected() -> Iterator[S3Client]:
    """A client that was answered once about the bucket."""
    at = settings().endpoint(SERVICE)
    client = s3("platform")
    try:
        client.list_objects_v2(Bucket=BUCKET, MaxKeys=1)
        yield client
    except ClientError as failure:
        code = failure.response.get("Error", {}).get("Code", "")
        if code in REFUSALS:
            raise refused("MinIO", f"{at}/{BUCKET}", failure, "minio-platform") from failure
        if code in FULL:
            raise Unavailable(
                f"MinIO has no room: {failure}",
                where=f"{at}/{BUCKET}",
                untouched="the objects that are there",
                remedy="free disk space or raise the bucket's quota, then seed again",
            ) from failure
        raise silent("MinIO", at, failure) from failure
    except BotoCoreError as failure:
        raise silent("MinIO", at, failure) from failure
    finally:
        client.close()


def write(night: Night, client: S3Client) -> Iterator[Written]:
    """Put the night's objects; those that are there with the same content are not put again."""
    there = _etags(night, client)
    new, present = dict.fromkeys(PREFIXES, 0), dict.fromkeys(PREFIXES, 0)
    for key, content in chain(articles.objects(night), documents.objects(night)):
        prefix = key.split("/", 1)[0]
        if there.get(key) == md5(content, usedforsecurity=False).hexdigest():
            present[prefix] += 1
        else:
            client.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType=_kind(key))
            new[prefix] += 1
    for prefix in PREFIXES:
        yield Written(STORE, prefix, new[prefix], present[prefix])


def _etags(night: Night, client: S3Client) -> dict[str, str]:
    """What the night's folders hold: key to digest."""
    pages = client.get_paginator("list_objects_v2")
    return {
        entry["Key"]: entry["ETag"].strip('"')
        for prefix in PREFIXES
        for page in pages.paginate(Bucket=BUCKET, Prefix=f"{prefix}/dt={night.date.isoformat()}/")
        for entry in page.get("Contents", [])
    }


def _kind(key: str) -> str:
    return "text/markdown" if key.endswith(".md") else "application/x-ndjson"
