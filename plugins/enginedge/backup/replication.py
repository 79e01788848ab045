"""Every object of the backed-up buckets at the second place, too, moments after it was written.

It is no backup: what is overwritten or deleted here is so there. It is what there is of the time since the last one.
A version that is deleted for good here stays there for as long as old versions do: such deletions are not passed on.

Protocol: MinIO's admin API v3 (``list-remote-targets``, ``set-remote-target``, whose body is encrypted with the login's
password, as ``madmin`` does), and S3's ``PutBucketReplication``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

from enginedge.backup.object_store import object_store
from enginedge.backup.stores import backed_up
from enginedge.errors import Unavailable
from enginedge.settings import Endpoint, settings

if TYPE_CHECKING:
    from minio import MinioAdmin

PRIMARY, SECOND = "minio", "offsite"
USER = "replica"  # who writes at the second place
RULE = "to-the-second-place"
TIMEOUT_S = 30.0


class _Command(Enum):
    """What :class:`minio.MinioAdmin` has no methods for."""

    LIST = "list-remote-targets"
    SET = "set-remote-target"


def replicate() -> list[dict[str, str]]:
    """See to it that every bucket that is backed up is replicated; a row a bucket. Done again, it changes nothing.

    Raises:
        Unavailable: one of the two places does not answer, or refuses.
    """
    buckets = [thing.what for service in backed_up([PRIMARY]) for thing in service.backup]
    there = settings().endpoint(SECOND)
    rows = []
    with object_store("root").client() as client, _administrator() as admin:
        for bucket in buckets:
            arn = _target(admin, bucket, there)
            rule: dict[str, Any] = {
                "ID": RULE,
                "Priority": 1,
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "Destination": {"Bucket": arn},
                "DeleteMarkerReplication": {"Status": "Enabled"},
                "ExistingObjectReplication": {"Status": "Enabled"},
            }
            wanted: Any = {"Role": "", "Rules": [rule]}
            client.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=wanted)
            rows.append({"bucket": bucket, "replicated_to": f"{there}/{bucket}", "as": USER})
    return rows


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
