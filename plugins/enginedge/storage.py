"""The one door to the object store.

boto3 is imported when the first client is made, because importing ours does no work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enginedge.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def s3(user: str) -> S3Client:
    """A client that is logged in as ``user``; a store that is silent is given up on after half a minute."""
    return s3_at(settings().endpoint("minio").url, user, settings().secret(f"minio-{user}"))


def s3_at(url: str, user: str, password: str, connections: int = 10) -> S3Client:
    """The same for any object store, and for as many requests at once as ``connections`` says."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=user,
        aws_secret_access_key=password,
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 2},
            s3={"addressing_style": "path"},
            max_pool_connections=connections,
        ),
    )
