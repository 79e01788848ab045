"""Every object of the backed-up buckets at the second place, too, moments after it was written.

It is no backup: what is overwritten or deleted here is so there. It is what there is of the time since the last one.
What is deleted for good here stays there: such deletions are not passed on, and old versions are kept for a while.

Protocol: MinIO's admin API v3 (``list-remote-targets``, ``set-remote-target``, whose body is encrypted with the login's
password, as ``madmin`` does), and S3's ``PutBucketReplication``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from enginedge.backup.object_store import object_store
from enginedge.backup.stores import backed_up
from enginedge.errors import Misconfigured, Unavailable
from enginedge.settings import HOST, Endpoint, settings

if TYPE_CHECKING:
    from minio import MinioAdmin
    from mypy_boto3_s3 import S3Client

PRIMARY, SECOND = "minio", "offsite"
USER = "replica"  # who writes at the second place
RULE = "to-the-second-place"
TIMEOUT_S = 30.0


_Current = tuple[str, str | None, datetime]


class _Command(Enum):
    """What :class:`minio.MinioAdmin` has no methods for."""

    LIST = "list-remote-targets"
    SET = "set-remote-target"


def replicate(over: Sequence[str] = ()) -> list[dict[str, str]]:
    """See to it that every bucket that is backed up is replicated; a row a bucket. Done again, it changes nothing.

    Other rules of a bucket stay. Objects that are there already are overwritten only in the buckets ``over``: where the
    first place was lost and restored, they may be newer than what was restored.

    Raises:
        Misconfigured: a counterpart has objects, and was not named; or the second place is on another machine, to which
            they would go in the clear. Nothing was changed.
        Unavailable: one of the two places does not answer, or refuses.
    """
    buckets = _buckets()
    if unknown := sorted({*over} - {*buckets}):
        raise Misconfigured(
            f"{', '.join(unknown)} is not replicated", where="--over", remedy=f"name one of {', '.join(buckets)}"
        )
    there = settings().endpoint(SECOND)
    if there.host != HOST:
        raise Misconfigured(
            "the objects would go there unencrypted, unlike the backups",
            where=f"{SECOND} at {there}",
            untouched="everything",
            remedy="replicate by MinIO's own means, with TLS, as a user of that place",
        )
    with object_store("root").client() as client, _administrator() as admin:
        rules = {bucket: _rules(client, bucket) for bucket in buckets}
        for bucket in buckets:
            if bucket not in over and not any(each["ID"] == RULE for each in rules[bucket]):
                _refuse_present(bucket, str(there))
        for bucket in buckets:
            others = [each for each in rules[bucket] if each["ID"] != RULE]
            rule: dict[str, Any] = {
                "ID": RULE,
                "Priority": max((each["Priority"] for each in others), default=0) + 1,
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "Destination": {"Bucket": _target(admin, bucket, there)},
                "DeleteMarkerReplication": {"Status": "Enabled"},
                "ExistingObjectReplication": {"Status": "Enabled"},
            }
            wanted: Any = {"Role": "", "Rules": [*others, rule]}
            client.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=wanted)
    return [{"bucket": bucket, "replicated_to": f"{there}/{bucket}", "as": USER} for bucket in buckets]


def waiting() -> list[dict[str, Any]]:
    """What of each backed-up bucket is not at the second place as it is here: a row a bucket, with the number of its
    objects, how many keys are there not, or not in this version, or not deleted, and since when the oldest waits.

    Both buckets are listed, whatever MinIO believes of its queue, which it forgets when it is started anew.

    Raises:
        Unavailable: one of the two places does not answer.
    """
    rows = []
    with object_store("root").client() as here:
        for bucket in _buckets():
            objects, missing = 0, list[datetime]()
            arrived = _arrived(bucket)
            counterpart: _Current | None = next(arrived, None)
            for key, version, at in _current(here, bucket):
                while counterpart and counterpart[0].encode() < key.encode():
                    counterpart = next(arrived, None)
                objects += version is not None
                if version != (counterpart[1] if counterpart and counterpart[0] == key else None):
                    missing.append(at)
            rows.append(
                {
                    "bucket": bucket,
                    "replicated": any(each["ID"] == RULE for each in _rules(here, bucket)),
                    "objects": objects,
                    "waiting": len(missing),
                    "since": min(missing).isoformat(timespec="seconds") if missing else None,
                }
            )
    return rows


def _arrived(bucket: str) -> Iterator[_Current]:
    """What is at the second place, by a client of its own: which of the two fails is told by whose it is."""
    with object_store("root", SECOND).client() as there:
        yield from _current(there, bucket)


def _current(client: S3Client, bucket: str) -> Iterator[_Current]:
    """Each key of ``bucket``, in S3's order, with the version that is current, none where it is deleted, and since
    when."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects, marks = page.get("Versions", ()), page.get("DeleteMarkers", ())
        found = [(one["Key"], one["VersionId"], one["LastModified"]) for one in objects if one["IsLatest"]]
        deleted = [(one["Key"], None, one["LastModified"]) for one in marks if one["IsLatest"]]
        yield from sorted([*found, *deleted], key=lambda one: one[0].encode())


def _buckets() -> list[str]:
    return [thing.what for service in backed_up([PRIMARY]) for thing in service.backup]


def _rules(client: S3Client, bucket: str) -> list[Any]:
    from botocore.exceptions import ClientError

    try:
        return list(client.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ReplicationConfigurationNotFoundError":
            raise
        return []


def _refuse_present(bucket: str, where: str) -> None:
    """Return when the counterpart of ``bucket`` is empty."""
    with object_store("root", SECOND).client() as client:
        if client.list_object_versions(Bucket=bucket, MaxKeys=1).get("Versions"):
            raise Misconfigured(
                f"the bucket {bucket} there has objects already, which may be newer than those here",
                where=f"{SECOND} at {where}",
                untouched="everything",
                remedy=f"copy back what is newer there, then say that the rest may be overwritten: --over {bucket}",
            )


@contextmanager
def _administrator() -> Iterator[MinioAdmin]:
    from minio import MinioAdmin
    from minio.credentials.providers import StaticProvider
    from urllib3 import PoolManager

    pool = PoolManager(timeout=TIMEOUT_S, retries=False)  # a refusal of the second place is passed on as a 503
    login = StaticProvider("root", settings().secret(f"{PRIMARY}-root"))
    try:
        yield MinioAdmin(endpoint=str(settings().endpoint(PRIMARY)), credentials=login, secure=False, http_client=pool)
    finally:
        pool.clear()


def _target(admin: MinioAdmin, bucket: str, there: Endpoint) -> str:
    """The name by which the first place knows ``bucket`` at the second one; the login is told anew."""
    known = json.loads(_ask(admin, "GET", _Command.LIST, {"bucket": bucket, "type": "replication"}) or b"[]") or []
    arn = next((each["arn"] for each in known if each["endpoint"] == str(there)), "")
    target = {
        "sourcebucket": bucket,
        "endpoint": str(there),
        "credentials": {"accessKey": USER, "secretKey": settings().secret(f"{SECOND}-{USER}")},
        "targetbucket": bucket,
        "secure": False,
        "type": "replication",
        "path": "on",
        "api": "s3v4",
        **({"arn": arn} if arn else {}),
    }
    query = {"bucket": bucket, **({"update": "true", "creds": "true"} if arn else {})}
    told = _ask(admin, "PUT", _Command.SET, query, json.dumps(target).encode())
    return str(json.loads(told)) if told.strip() else arn


def _ask(admin: MinioAdmin, method: str, command: _Command, query: dict[str, str], body: bytes | None = None) -> bytes:
    """One call of the admin API, which the library signs and encrypts as it does its own."""
    from minio.crypto import encrypt
    from minio.error import MinioAdminException
    from urllib3.exceptions import HTTPError

    sealed = encrypt(body, settings().secret(f"{PRIMARY}-root")) if body else None
    asked: Any = command
    try:
        return bytes(admin._url_open(method=method, command=asked, query_params=dict(query), body=sealed).data)
    except (MinioAdminException, HTTPError) as refused:
        raise Unavailable(
            f"{command.value} of {query['bucket']} was refused: {refused}",
            where=PRIMARY,
            untouched="what is in the buckets",
            remedy=f"look at `make logs S={SECOND}` and `make logs S={PRIMARY}`",
        ) from refused
