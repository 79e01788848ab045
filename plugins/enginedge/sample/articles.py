"""News articles, as the platform's crawler leaves them in the bucket: JSON lines, the lines of a night in parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

from enginedge.sample import records as shared
from enginedge.sample import vocabulary
from enginedge.sample.night import Night
from enginedge.sample.rates import dirt, repeated
from enginedge.sample.records import Record
from enginedge.sample.skew import favourite

TABLE = "articles"
LINES_A_PART = 250


def article(night: Night, index: int) -> Record:
    """One article as it was first crawled."""
    chance = night.stream(TABLE, index)
    published, updated = shared.lived(night, chance, minutes=40)
    key = night.identifier(TABLE, index)
    topic = favourite(chance, vocabulary.TOPICS)
    return {
        "article_id": key,
        "title": vocabulary.sentence(chance, 4),
        "body": vocabulary.paragraph(chance, 3 + int(chance.expovariate(1 / 5))),
        "topic": topic,
        "url": f"https://news.example.com/{topic}/{key}",
        "language": chance.choice(vocabulary.LANGUAGES),
        "source_name": favourite(chance, vocabulary.OUTLETS),
        "sentiment": round(max(-1.0, min(1.0, chance.gauss(0.1, 0.4))), 3),
        "published_at": published,
        "updated_at": updated,
    }


def _strange_title(record: Record, chance: Random) -> None:
    record["title"] = vocabulary.strange(chance)
    record["body"] += " " + " ".join(vocabulary.STRANGE)


def _published_late(record: Record, chance: Random) -> None:
    record["published_at"] = shared.days_earlier(record["published_at"], chance)


def _published_ahead(record: Record, chance: Random) -> None:
    record["published_at"] = shared.minutes_ahead(record["updated_at"], chance)


SPOILS: dict[str, shared.Spoil] = {
    "late": _published_late,
    "wrong_type": shared.put("sentiment", "positive", "n/a"),
    "missing": shared.put("article_id", None),
    "out_of_range": shared.put("sentiment", 3.2, -17.0),
    "unknown_field": shared.unknown_field,
    "unicode": _strange_title,
    "skewed_clock": _published_ahead,
    "null": shared.put("source_name", None),
}


def _corrected(night: Night, record: Record, chance: Random) -> Record:
    """A later version of ``record``, in the same night where it is of it."""
    at = night.soon_after(max(record["updated_at"], night.start), chance, minutes=30)
    return {**record, "title": "Correction: " + record["title"], "updated_at": at}


def _encoded(record: Record) -> bytes:
    sent = {
        **record,
        "published_at": shared.iso(record["published_at"]),
        "updated_at": shared.iso(record["updated_at"]),
    }
    return json.dumps(sent, ensure_ascii=False).encode()


def _line(night: Night, index: int) -> bytes:
    kind = dirt(night, TABLE).get(index)
    chance = night.stream(TABLE, index, "dirt")
    match kind:
        case "duplicate":
            return _encoded(article(night, repeated(night, TABLE)[index]))
        case "superseded":
            return _encoded(_corrected(night, article(night, repeated(night, TABLE)[index]), chance))
        case "blank":
            return chance.choice((b"", b"   "))
        case "truncated":
            whole = _encoded(article(night, index))
            return whole[: chance.randint(20, len(whole) // 2)]
        case _:
            return _encoded(shared.spoiled(night, TABLE, index, article(night, index), SPOILS))


def lines(night: Night) -> Iterator[bytes]:
    """The night's lines: new articles, then corrections of earlier nights' articles."""
    for index in range(night.count(TABLE)):
        yield _line(night, index)
    for target in shared.targets(night, TABLE):
        corrected = _corrected(target.origin, article(target.origin, target.index), target.chance)
        yield _encoded({**corrected, "updated_at": target.at})


def objects(night: Night) -> Iterator[tuple[str, bytes]]:
    """The night's parts: key in the bucket and content."""
    for part, chunk in enumerate(shared.batches(lines(night), LINES_A_PART)):
        yield f"news/dt={night.date.isoformat()}/part-{part:03d}.jsonl", b"\n".join(chunk) + b"\n"
