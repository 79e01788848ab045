"""What the platform's stores hold, each read by its own client: the other half of what a night must count to.

Nothing of the generator, the contracts or the jobs is used: of ``enginedge`` only where a service is and what its
password is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import boto3
import psycopg
from confluent_kafka import Consumer, KafkaError, TopicPartition
from psycopg.rows import dict_row
from pymongo import MongoClient

from enginedge.settings import settings

FAMILIES = ["resume", "interview", "news", "scheduler", "notification", "assistant", "search", "ingestion", "billing"]
Record = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """A record as the store gave it: a document, a row, or bytes; and the night in whose bound it lies."""

    night: date
    content: Any
    place: str = ""


def mongodb(collection: str) -> Iterator[Seen]:
    at = settings().endpoint("mongodb")
    login = {"username": "platform", "password": settings().secret("mongodb-platform"), "authSource": "admin"}
    with MongoClient[Record](at.host, at.port, directConnection=True, tz_aware=True, **login) as client:
        for document in client["platform"][collection].find():
            yield Seen(document["updated_at"].date(), document)


def schedules() -> Iterator[Seen]:
    at = settings().endpoint("postgres")
    with psycopg.connect(
        host=at.host,
        port=at.port,
        dbname="platform",
        user="platform",
        password=settings().secret("postgres-platform"),
        row_factory=dict_row,
    ) as connection:
        for row in connection.execute("select * from public.schedules").fetchall():
            yield Seen(row["updated_at"].astimezone(UTC).date(), row)


def events() -> Iterator[Seen]:
    consumer = Consumer(
        {
            "bootstrap.servers": str(settings().endpoint("kafka")),
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "platform",
            "sasl.password": settings().secret("kafka-platform"),
            "group.id": "expected-of-a-test",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    try:
        known = consumer.list_topics(timeout=10).topics
        topics = [f"events.{family}" for family in FAMILIES if f"events.{family}" in known]
        parts = [TopicPartition(topic, number, 0) for topic in topics for number in known[topic].partitions]
        consumer.assign(parts)
        ended = 0
        while ended < len(parts):
            for message in consumer.consume(1_000, timeout=1):
                if error := message.error():
                    ended += error.code() == KafkaError._PARTITION_EOF  # others pass by themselves
                    continue
                arrived = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
                yield Seen(arrived.date(), message.value(), str(message.topic()))
    finally:
        consumer.close()


def _objects(prefix: str) -> Iterator[tuple[str, date, bytes]]:
    client = boto3.client(
        "s3",
        endpoint_url=settings().endpoint("minio").url,
        region_name="us-east-1",
        aws_access_key_id="platform",
        aws_secret_access_key=settings().secret("minio-platform"),
    )
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="platform", Prefix=f"{prefix}/dt="):
        for entry in page.get("Contents", []):
            key = entry["Key"]
            night = date.fromisoformat(key.split("/")[1].removeprefix("dt="))
            yield key, night, client.get_object(Bucket="platform", Key=key)["Body"].read()
    client.close()


def articles() -> Iterator[Seen]:
    for key, night, content in _objects("news"):
        for line in content.split(b"\n"):
            if line.strip(b" "):  # a blank line is no record
                yield Seen(night, line, key)


def documents() -> Iterator[Seen]:
    for key, night, content in _objects("resumes"):
        yield Seen(night, content, key)
