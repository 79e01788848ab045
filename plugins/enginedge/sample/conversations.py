"""Conversations with the assistants, as the platform keeps them in MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random

from bson.decimal128 import Decimal128

from enginedge.sample import records as shared
from enginedge.sample import vocabulary
from enginedge.sample.night import Night
from enginedge.sample.records import Record, Revision
from enginedge.sample.skew import favourite

TABLE = "conversations"
# What a token costs, asked and answered.
MICRODOLLARS = {"edge-large": (3, 15), "edge-small": (1, 4), "edge-reasoning": (10, 40), "edge-legacy": (2, 2)}


def _usage(chance: Random, model: str) -> Record:
    messages = 1 + int(chance.expovariate(1 / 7))
    prompt = sum(int(chance.lognormvariate(5, 1)) for _ in range(messages))
    completion = sum(int(chance.lognormvariate(5.5, 1)) for _ in range(messages))
    asked, answered = MICRODOLLARS[model]
    cost = Decimal(prompt * asked + completion * answered) / 1_000_000
    return {
        "messages": messages,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cost_usd": Decimal128(cost.quantize(Decimal("0.000001"))),
    }


def conversation(night: Night, index: int) -> Record:
    """One conversation; some are still going on."""
    chance = night.stream(TABLE, index)
    started, updated = shared.lived(night, chance, minutes=25)
    model = favourite(chance, vocabulary.MODELS)
    made: Record = {
        "_id": night.identifier(TABLE, index),
        "user_id": shared.reference(night, "users", chance),
        "assistant": favourite(chance, vocabulary.ASSISTANTS),
        "model": model,
        "topic": favourite(chance, vocabulary.CHATS),
        **_usage(chance, model),
        "started_at": started,
        "updated_at": updated,
    }
    if chance.random() < 0.9:
        made["ended_at"] = updated
    return made


def _strange_topic(record: Record, chance: Random) -> None:
    record["topic"] = vocabulary.strange(chance)


def _started_late(record: Record, chance: Random) -> None:
    record["started_at"] = shared.days_earlier(record["started_at"], chance)


def _started_ahead(record: Record, chance: Random) -> None:
    record["started_at"] = shared.minutes_ahead(record["updated_at"], chance)


SPOILS: dict[str, shared.Spoil] = {
    "late": _started_late,
    "wrong_type": shared.put("prompt_tokens", "many", "12k"),
    "missing": shared.put("user_id", None),
    "out_of_range": shared.put("completion_tokens", -1, -4096),
    "unknown_value": shared.put("assistant", "therapist", "none"),
    "number_as_text": shared.as_text("messages"),
    "spelling": shared.put("assistant", "COACH", " coach"),
    "unknown_field": shared.unknown_field,
    "unicode": _strange_topic,
    "skewed_clock": _started_ahead,
    "deleted": shared.soft_deleted,
    "null": shared.put("topic", None),
}


def records(night: Night) -> Iterator[Record]:
    """The conversations of the night."""
    for index in range(night.count(TABLE)):
        yield shared.spoiled(night, TABLE, index, conversation(night, index), SPOILS)


def revised(night: Night) -> Iterator[Revision]:
    """Earlier conversations that went on, or were deleted, in the night."""
    for target in shared.targets(night, TABLE):
        went_on = {**_usage(target.chance, favourite(target.chance, vocabulary.MODELS)), "ended_at": target.at}
        yield Revision(
            target.origin.identifier(TABLE, target.index),
            target.at,
            {"deleted_at": target.at} if target.deletes else went_on,
        )
