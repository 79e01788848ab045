"""A bucket like the one that holds the backups, on a MinIO of its own: locked, with who adds to it and who prunes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from minio import Minio, MinioAdmin
from minio.credentials.providers import StaticProvider

from deploy.local.services import minio, minio_buckets
from enginedge.backup.object_store import ObjectStore, object_store
from enginedge.backup.repository import BUCKET
from enginedge.backup.scratch.minio import scratch_minio
from tests.backup.in_folder import installation_in

#: What tells kopia's processes of each other, as restic's locks do: it fails where it cannot delete them.
KOPIAS_MARKS = f"arn:aws:s3:::{BUCKET}/kopia/s*"


@contextmanager
def locked_bucket(folder: Path) -> Iterator[tuple[ObjectStore, ObjectStore]]:
    """The bucket as who adds to it, and as who takes out of sight; an installation around it.

    Who adds deletes nothing but by what the processes of restic, and of kopia, know of each other.
    """
    with installation_in(folder), scratch_minio([]) as root:
        address = root.url.partition("://")[2]
        client = Minio(endpoint=address, access_key=root.user, secret_key=root.password, secure=False)
        admin = MinioAdmin(endpoint=address, credentials=StaticProvider(root.user, root.password), secure=False)
        minio_buckets.make_locked(BUCKET, client)
        adding = minio.policy_of_backups((BUCKET,))
        adding["Statement"].append({"Effect": "Allow", "Action": ["s3:DeleteObject"], "Resource": [KOPIAS_MARKS]})
        users = {"backup": adding, "backup-pruner": minio.policy_of_pruning()}
        adder, pruner = (replace(object_store(user), url=root.url) for user in users)
        for store, policy in zip((adder, pruner), users.values(), strict=True):
            minio.make_user(admin, store.user, store.password, policy)
        yield adder, pruner


def stored(store: ObjectStore, bucket: str = BUCKET, prefix: str = "") -> int:
    """The bytes that are in sight in the bucket."""
    with store.client() as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sum(each["Size"] for page in pages for each in page.get("Contents", ()))
