"""Hadoop's XML configuration, which the metastore and Spark both read."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from deploy.local.layout import Local

REGION = "us-east-1"


def configuration(properties: Mapping[str, str]) -> str:
    """``properties`` as a Hadoop configuration file."""
    lines = [
        f"  <property><name>{escape(name)}</name><value>{escape(value)}</value></property>"
        for name, value in properties.items()
    ]
    return "\n".join(['<?xml version="1.0"?>', "<configuration>", *lines, "</configuration>", ""])


def object_store(local: Local, user: str) -> dict[str, str]:
    """How S3A reaches the object store as ``user``."""
    return {
        "fs.s3a.endpoint": local.url("minio"),
        "fs.s3a.endpoint.region": REGION,
        "fs.s3a.access.key": user,
        "fs.s3a.secret.key": local.secret(f"minio-{user}"),
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
        "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
        # Trino writes its locations as s3://, Spark as s3a://: to Hadoop both are the same store.
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        # A store that is down must be an error within a minute, not after Hadoop's twenty.
        "fs.s3a.attempts.maximum": "5",
        "fs.s3a.retry.limit": "4",
        "fs.s3a.connection.establish.timeout": "15s",
    }
