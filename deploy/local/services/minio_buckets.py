"""MinIO's buckets: which of them keep what was overwritten, and the one in which nothing can be deleted for weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enginedge.errors import Misconfigured

if TYPE_CHECKING:
    from minio import Minio

VERSIONS_KEPT_DAYS = 2  # long enough for a backup to read what was there when it began
LOCKED_DAYS = 30  # for which nobody, root included, can delete a version of a backup's object
NOT_MADE_TO_BE_LOCKED = ("InvalidBucketState", "ObjectLockConfigurationNotFoundError")


def make(bucket: str, client: Minio, locked: bool = False) -> None:
    """Make the bucket where it is missing; what is in it is kept."""
    from minio.error import S3Error

    try:
        client.make_bucket(bucket_name=bucket, object_lock=locked)
    except S3Error as error:
        if error.code != "BucketAlreadyOwnedByYou":
            raise


def make_locked(bucket: str, client: Minio) -> None:
    """Make the bucket, and lock whatever is put into it.

    A bucket can only be made so: an empty one that was not is made anew.

    Raises:
        Misconfigured: it is not empty, and was not made to be locked.
    """
    from minio.commonconfig import COMPLIANCE
    from minio.error import S3Error
    from minio.objectlockconfig import DAYS, ObjectLockConfig

    wanted = ObjectLockConfig(COMPLIANCE, LOCKED_DAYS, DAYS)
    make(bucket, client, locked=True)
    try:
        client.set_object_lock_config(bucket_name=bucket, config=wanted)
    except S3Error as error:
        if error.code not in NOT_MADE_TO_BE_LOCKED:
            raise
        _remove_empty(bucket, client)
        make(bucket, client, locked=True)
        client.set_object_lock_config(bucket_name=bucket, config=wanted)
    _forget_old_versions(bucket, client, LOCKED_DAYS)


def keep_versions(bucket: str, client: Minio) -> None:
    """What is overwritten or deleted stays readable for a while."""
    from minio.commonconfig import ENABLED
    from minio.versioningconfig import VersioningConfig

    client.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(ENABLED))
    _forget_old_versions(bucket, client, VERSIONS_KEPT_DAYS)


def _remove_empty(bucket: str, client: Minio) -> None:
    if any(client.list_objects(bucket_name=bucket, recursive=True)):
        raise Misconfigured(
            f"the bucket {bucket} has objects, and was not made to be locked",
            where="minio",
            untouched="the bucket",
            remedy="copy what is in it to another place, delete the bucket, and run `make up` again",
        )
    client.remove_bucket(bucket_name=bucket)


def _forget_old_versions(bucket: str, client: Minio, days: int) -> None:
    from minio.commonconfig import ENABLED, Filter
    from minio.lifecycleconfig import Expiration, LifecycleConfig, NoncurrentVersionExpiration, Rule

    rule = Rule(
        status=ENABLED,
        rule_id="forget-old-versions",
        rule_filter=Filter(prefix=""),
        noncurrent_version_expiration=NoncurrentVersionExpiration(noncurrent_days=days),
        expiration=Expiration(expired_object_delete_marker=True),
    )
    client.set_bucket_lifecycle(bucket_name=bucket, config=LifecycleConfig([rule]))
