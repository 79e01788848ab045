"""Hadoop's XML configuration, which the metastore and Spark both read, and the object store that it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

REGION = "us-east-1"


@dataclass(frozen=True)
class S3:
    """An object store as an engine logs in there."""

    url: str
    user: str
    password: str = field(repr=False)


def configuration(properties: Mapping[str, str]) -> str:
    """``properties`` as a Hadoop configuration file."""
    lines = [
        f"  <property><name>{escape(name)}</name><value>{escape(value)}</value></property>"
        for name, value in properties.items()
    ]
    return "\n".join(['<?xml version="1.0"?>', "<configuration>", *lines, "</configuration>", ""])


def s3a(store: S3) -> dict[str, str]:
    """How S3A reaches ``store``."""
    return {
        "fs.s3a.endpoint": store.url,
        "fs.s3a.endpoint.region": REGION,
        "fs.s3a.access.key": store.user,
        "fs.s3a.secret.key": store.password,
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
