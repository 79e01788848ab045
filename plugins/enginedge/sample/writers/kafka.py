"""The night's events into Kafka, one topic a family, each message once although a log can't be asked for a key.

A message carries in its header ``producer`` which seed and scale it is of, and its timestamp says the night. The
messages of a night come into a partition in one order, by an idempotent producer: so those that are there are the first
ones, and who finds n of them, also after a seed that was killed, goes on behind the n-th. No transactions: readers need
no isolation level, and offsets have no gaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from enginedge.errors import Misconfigured
from enginedge.logins import kafka_login
from enginedge.sample import events
from enginedge.sample.events import PARTITIONS, Arrival, topic
from enginedge.sample.night import Night
from enginedge.sample.writers import Written, refused, silent
from enginedge.settings import settings

STORE = "kafka"
TOPIC_SETTINGS = {
    "message.timestamp.type": "CreateTime",
    "message.timestamp.before.max.ms": str(2**63 - 1),
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "cleanup.policy": "delete",
}
PATIENCE_S = 10.0
FLUSH_S = 60.0
NOT_YET = {  # what a broker says about a topic that was made a moment ago
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_PARTITION,
}
Headers = list[tuple[str, str | bytes | None]]
There = Counter[tuple[date, str, int]]


def topics() -> list[str]:
    """The topics, one a family."""
    return sorted(map(topic, events.FAMILIES))


@dataclass
class Broker:
    """The connection's settings, and what the client library said when no call of ours was there to hear it."""

    config: dict[str, Any]
    complaints: list[KafkaError] = field(default_factory=list)

    def admin(self) -> AdminClient:
        return AdminClient(self.config)

    def producer(self) -> Producer:
        return Producer({**self.config, "enable.idempotence": True, "linger.ms": 20, "compression.type": "lz4"})

    def consumer(self) -> Consumer:
        return Consumer({**self.config, "group.id": "enginedge-seed", "enable.auto.commit": False})


@contextmanager
def connected() -> Iterator[Broker]:
    """A broker that was answered once and has the topics."""
    at = settings().endpoint(STORE)
    complaints: list[KafkaError] = []
    broker = Broker(
        {
            **kafka_login("platform"),
            "socket.timeout.ms": int(PATIENCE_S * 1000),
            "client.id": "enginedge-seed",
            "error_cb": complaints.append,
        },
        complaints,
    )
    try:
        _create_topics(broker.admin())
        yield broker
    except KafkaException as failure:
        error = failure.args[0]
        denied = {
            KafkaError._AUTHENTICATION,
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        }
        for complaint in [error, *complaints]:
            if complaint.code() in denied:
                raise refused("Kafka", at, complaint.str(), "kafka-platform") from failure
        raise silent("Kafka", at, error.str()) from failure


def _create_topics(admin: AdminClient) -> None:
    try:
        known = admin.list_topics(timeout=PATIENCE_S).topics
    except KafkaException:
        admin.poll(0.5)  # only now does the client say why: to error_cb
        raise
    missing = [name for name in topics() if name not in known]
    if missing:
        made = admin.create_topics([NewTopic(name, PARTITIONS, 1, config=TOPIC_SETTINGS) for name in missing])
        for future in made.values():
            future.result(PATIENCE_S)
    for name in set(topics()) & set(known):
        if len(known[name].partitions) != PARTITIONS:
            raise Misconfigured(
                f"the topic {name} has {len(known[name].partitions)} partitions, not {PARTITIONS}",
                where="kafka",
                untouched="anything",
                remedy="delete the topic, or seed into another broker",
            )


def _producer_name(night: Night) -> bytes:
    return f"sample/{night.seed}/{night.scale:g}".encode()


def _is_young(failure: BaseException) -> bool:
    return isinstance(failure, KafkaException) and failure.args[0].code() in NOT_YET


@retry(retry=retry_if_exception(_is_young), stop=stop_after_delay(PATIENCE_S), wait=wait_fixed(0.2), reraise=True)
def _bounds(consumer: Consumer, since_ms: int) -> tuple[list[TopicPartition], dict[tuple[str, int], int]]:
    """Of each partition that has a message since then, the offset of the first one; and every partition's end."""
    partitions = [TopicPartition(name, number, since_ms) for name in topics() for number in range(PARTITIONS)]
    starts = [start for start in consumer.offsets_for_times(partitions, timeout=PATIENCE_S) if start.offset >= 0]
    ends = {(at.topic, at.partition): consumer.get_watermark_offsets(at, timeout=PATIENCE_S)[1] for at in starts}
    return starts, ends


def already_there(broker: Broker, nights: Sequence[Night]) -> There:
    """How many messages of these nights each partition holds: read from the first night's first message to the end."""
    consumer = broker.consumer()
    try:
        starts, ends = _bounds(consumer, round(nights[0].start.timestamp() * 1000))
        left = sum(max(0, ends[start.topic, start.partition] - start.offset) for start in starts)
        if left:
            consumer.assign(starts)
        wanted = _producer_name(nights[0])
        there: There = Counter()
        for message in _messages(consumer, left):
            if dict(message.headers() or []).get("producer") == wanted:
                there[(_night_of(message), str(message.topic()), int(message.partition() or 0))] += 1
        return there
    finally:
        consumer.close()


def _messages(consumer: Consumer, left: int) -> Iterator[Message]:
    """The next ``left`` messages; offsets have no gaps, so that their number is known."""
    while left:
        batch = consumer.consume(min(left, 10_000), timeout=PATIENCE_S)
        if not batch:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{left} messages were promised and did not come"))
        for message in batch:
            if message.error():
                raise KafkaException(message.error())
            yield message
        left -= len(batch)


def _night_of(message: Message) -> date:
    return datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC).date()


def write(night: Night, broker: Broker, there: There) -> Iterator[Written]:
    """Send the night's messages, of each partition those behind the ones that are ``there``."""
    producer = broker.producer()
    failures: list[KafkaError] = []
    seen: Counter[tuple[str, int]] = Counter()
    new: Counter[str] = Counter()
    present: Counter[str] = Counter()
    headers: Headers = [("producer", _producer_name(night))]
    for arrival in events.arrivals(night):
        place = (arrival.topic, arrival.partition)
        seen[place] += 1
        if seen[place] <= there[(night.date, *place)]:
            present[arrival.topic] += 1
        else:
            _send(producer, arrival, headers, failures)
            new[arrival.topic] += 1
    left = producer.flush(FLUSH_S)
    if failures or left:
        raise KafkaException(
            failures[0] if failures else KafkaError(KafkaError._TIMED_OUT, f"{left} messages not taken")
        )
    for name in topics():
        yield Written(STORE, name, new[name], present[name])


def _send(producer: Producer, arrival: Arrival, headers: Headers, failures: list[KafkaError]) -> None:
    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(error)

    while True:
        try:
            producer.produce(
                arrival.topic,
                value=arrival.value,
                key=arrival.key,
                partition=arrival.partition,
                timestamp=arrival.timestamp_ms,
                headers=headers,
                on_delivery=delivered,
            )
        except BufferError:
            producer.poll(0.1)
        else:
            break
    producer.poll(0)
    if failures:
        raise KafkaException(failures[0])
