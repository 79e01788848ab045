"""Events of the platform's workers, as they arrive in Kafka: one topic a family, in the order of arrival.

The order is a part of the content: who finds the first n events of a partition already there goes on with the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from random import Random
from uuid import UUID
from zlib import crc32

from enginedge.sample import records as shared
from enginedge.sample import vocabulary
from enginedge.sample.night import Night
from enginedge.sample.rates import clean_before, dirt, repeated
from enginedge.sample.records import Record
from enginedge.sample.skew import favourite

TABLE = "events"
PARTITIONS = 2
PREFIX = "events."
FAMILIES = {
    "assistant": ("complete", "stream", "embed", "moderate"),
    "ingestion": ("fetch", "parse", "store"),
    "notification": ("email", "push", "digest"),
    "search": ("query", "suggest", "index"),
    "interview": ("schedule", "score", "transcribe"),
    "resume": ("parse", "rank", "render"),
    "news": ("crawl", "classify", "summarise"),
    "scheduler": ("tick", "dispatch", "expire"),
    "billing": ("invoice", "charge", "refund"),
}
REPLICAS = 3
OUTCOMES = ("ok", "error", "timeout")


@dataclass(frozen=True)
class Arrival:
    """A message as the broker gets it: the timestamp is its arrival, in milliseconds since 1970."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    timestamp_ms: int


def topic(family: str) -> str:
    """The topic of a family of workers."""
    return f"{PREFIX}{family}"


def event(night: Night, index: int, arrived: datetime) -> tuple[str, Record]:
    """One event and its family; it happened shortly before it arrived."""
    chance = night.stream(TABLE, index)
    family = favourite(chance, tuple(FAMILIES))
    trace, name = UUID(int=chance.getrandbits(128)).hex, UUID(int=chance.getrandbits(128), version=4)
    (outcome,) = chance.choices(OUTCOMES, (95, 4, 1))
    duration = 30_000 if outcome == "timeout" else min(30_000, 1 + int(chance.lognormvariate(4.5, 1.1)))
    queued = int(chance.expovariate(1 / 40))
    return family, {
        "event_id": str(name),
        "worker": f"{family}-worker-{favourite(chance, range(REPLICAS))}",
        "operation": favourite(chance, FAMILIES[family]),
        "outcome": outcome,
        "occurred_at": arrived - timedelta(milliseconds=duration + chance.randint(1, 50)),
        "duration_ms": duration,
        "queue_ms": queued,
        "trace_id": trace,
        "attempt": 1 + min(4, int(chance.expovariate(2.5))),
        "bytes": int(chance.lognormvariate(7, 1.5)),
    }


def _late(record: Record, chance: Random) -> None:
    record["occurred_at"] = shared.days_earlier(record["occurred_at"], chance)


def _ahead(record: Record, chance: Random) -> None:
    record["occurred_at"] = shared.minutes_ahead(record["occurred_at"] + timedelta(seconds=31), chance)


def _other_zone(record: Record, chance: Random) -> None:
    zone = timezone(timedelta(minutes=chance.choice((120, -300, 330))))
    record["occurred_at"] = record["occurred_at"].astimezone(zone)


def _strange_operation(record: Record, chance: Random) -> None:
    record["operation"] = vocabulary.strange(chance)


SPOILS: dict[str, shared.Spoil] = {
    "late": _late,
    "wrong_type": shared.put("duration_ms", "fast", True, [12]),
    "missing": shared.put("event_id", None),
    "out_of_range": shared.put("bytes", -1),
    "unknown_value": shared.put("outcome", "maybe", ""),
    "number_as_text": shared.as_text("queue_ms"),
    "other_zone": _other_zone,
    "spelling": shared.put("outcome", "OK", "Error "),
    "unknown_field": shared.unknown_field,
    "unicode": _strange_operation,
    "skewed_clock": _ahead,
}


def _encoded(record: Record, kind: str | None, chance: Random) -> bytes:
    """The record's JSON, broken where its kind of dirt says so."""
    sent = {**record, "occurred_at": shared.iso(record["occurred_at"])}
    text = json.dumps(sent, ensure_ascii=False, separators=(",", ":"))
    match kind:
        case "not_json":
            return b"<html><body>502 Bad Gateway</body></html>"
        case "not_an_object":
            return f"[{chance.randint(1, 9)}]".encode()
        case "truncated":
            return text.encode()[: chance.randint(10, len(text) - 2)]
        case "not_utf8":
            return text.encode().replace(b"-worker-", b"-worker-\xff\xfe", 1)
        case _:
            return text.encode()


def _moments(night: Night) -> list[datetime]:
    """When the night's messages arrive, one after the other."""
    order = night.stream(TABLE, "arrival")
    return sorted(night.moment(order) for _ in range(night.count(TABLE)))


def _told(night: Night, index: int, moments: list[datetime], kind: str | None) -> tuple[str, Record]:
    """The event that the message ``index`` tells of: its own, the one before, or one of the night before."""
    if kind == "duplicate":
        index = repeated(night, TABLE)[index]
    if kind == "redelivered":
        night = night.before(1)
        moments = _moments(night)
        index = clean_before(night, TABLE, min(index, len(moments) - 1))
    return event(night, index, moments[index])


def arrivals(night: Night) -> Iterator[Arrival]:
    """The night's messages of all topics in the order of arrival."""
    moments = _moments(night)
    plan = dirt(night, TABLE)
    for index, arrived in enumerate(moments):
        kind = plan.get(index)
        family, record = _told(night, index, moments, kind)
        key = record["trace_id"].encode()
        chance = night.stream(TABLE, index, "dirt")
        if kind in SPOILS:
            SPOILS[kind](record, chance)
        yield Arrival(
            topic=topic(family),
            partition=crc32(key) % PARTITIONS,
            key=key,
            value=_encoded(record, kind, chance),
            timestamp_ms=round(arrived.timestamp() * 1000),
        )
