"""Records of Kafka topics: from the offsets that were left until the first record of the next night.

The end is by the record's timestamp, its time of arrival; only committed records are read; the bytes are kept where
they are no UTF-8. Source: spark-sql-kafka, batch, options ``startingOffsets``, ``endingTimestamp``, ``failOnDataLoss``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from enginedge.errors import Misconfigured, Unavailable
from enginedge.logins import kafka_login
from enginedge.settings import settings
from spark_jobs.engine.sources import Reading

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

EARLIEST = -2
ANSWER_S = 8


@dataclass(frozen=True)
class Topics:
    """The topics that the contract names; the record's key is the field ``key`` of its JSON."""

    key: str

    def read(self, reading: Reading) -> DataFrame:
        origin = reading.origin
        records = (
            reading.session.read.format("kafka")
            .options(**_connection())
            .option("subscribe", ",".join(origin.objects))
            .option("startingOffsets", json.dumps(_starts(origin.objects, reading.position)))
            .option("endingTimestamp", str(int(reading.night.end.timestamp() * 1000)))
            .option("failOnDataLoss", "true")
            .load()
        )
        text = records.selectExpr("*", "CAST(value AS string) AS text").selectExpr(
            "*", "make_valid_utf8(text) AS record", "is_valid_utf8(text) AS valid"
        )
        return text.selectExpr(
            "record",
            "CASE WHEN NOT valid THEN value END AS record_bytes",
            f"get_json_object(record, '$.{self.key}') AS record_key",
            "concat(topic, '/', partition, '/', offset) AS position",
            "timestamp AS changed_at",
        )

    def position(self, reading: Reading, written: DataFrame) -> dict[str, Any]:
        # By the bytes of the text: `split` makes a Java string of each row's.
        offsets = written.selectExpr(
            "substring_index(position, '/', 2) AS of", "CAST(substring_index(position, '/', -1) AS bigint) AS offset"
        )
        position: dict[str, Any] = {topic: dict(partitions) for topic, partitions in reading.position.items()}
        for of, last in offsets.groupBy("of").agg({"offset": "max"}).collect():
            topic, partition = of.split("/")
            position.setdefault(topic, {})[partition] = last + 1
        return position


def _connection() -> dict[str, str]:
    login = f'username="lake" password="{settings().secret("kafka-lake")}"'
    return {
        "kafka.bootstrap.servers": str(settings().endpoint("kafka")),
        "kafka.security.protocol": "SASL_PLAINTEXT",
        "kafka.sasl.mechanism": "SCRAM-SHA-512",
        "kafka.sasl.jaas.config": f"org.apache.kafka.common.security.scram.ScramLoginModule required {login};",
        "kafka.isolation.level": "read_committed",
        # A partition ends with the mark of a transaction, which is no record: for another one the broker would wait for
        # half a second, in each partition.
        "kafka.fetch.max.wait.ms": "20",
        "kafka.default.api.timeout.ms": "20000",
        "kafka.request.timeout.ms": "10000",
    }


def _starts(topics: tuple[str, ...], position: dict[str, Any]) -> dict[str, dict[str, int]]:
    """For each partition that there is: where it was left, or its beginning.

    Raises:
        Misconfigured: Kafka has no such topic.
        Unavailable: Kafka does not answer.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    endpoint = settings().endpoint("kafka")
    try:
        found = AdminClient(kafka_login("lake")).list_topics(timeout=ANSWER_S).topics
    except KafkaException as error:
        raise Unavailable(
            f"Kafka does not answer, or refuses the user lake: {error}",
            where=f"kafka at {endpoint}",
            remedy="run `make status`",
        ) from error
    missing = [topic for topic in topics if topic not in found]
    if missing:
        raise Misconfigured(
            f"Kafka has no topic {', '.join(missing)}",
            where=f"kafka at {endpoint}",
            remedy="seed the platform, or mend the contract",
        )
    return {
        topic: {str(part): position.get(topic, {}).get(str(part), EARLIEST) for part in sorted(found[topic].partitions)}
        for topic in topics
    }
