"""What a night must count to: what ``stores.py`` reads from the stores themselves, judged by rules restated here.

Nothing of the generator, the contracts or the jobs is used. The rules are the contracts'
(``sql/contracts/core.*.yaml``) said once more in plain Python; where the two disagree, one of them is wrong.

A record is *quarantined* where it breaks its contract. Of the others, by key: the newest version counts as *accepted*
where it is newer than what earlier nights brought; the same version again is a *duplicate*; an older one *superseded*.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from tests.integration.stores import Record, Seen, articles, documents, events, mongodb, schedules


class Broken(Exception):
    """The record breaks its contract."""


@dataclass(frozen=True)
class Counts:
    """What a night brings to one table; ``raw`` is the sum of the other four."""

    raw: int
    accepted: int
    quarantined: int
    duplicate: int
    superseded: int


def required(record: Record, *fields: str) -> None:
    for field in fields:
        if record.get(field) is None:
            raise Broken(f"required:{field}")


def one_of(record: Record, field: str, *values: str) -> None:
    if str(record[field]).strip(" ").lower() not in values:
        raise Broken(f"one_of:{field}")


def number(
    record: Record, field: str, low: float | None = None, high: float | None = None, whole: bool = False
) -> None:
    """A number, or a text that is one; a whole one where so said; within its bounds. Nothing is fine."""
    value = record.get(field)
    if value is None:
        return
    shape = r"[+-]?[0-9]{1,19}" if whole else r"[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)?"
    text = value if isinstance(value, str) else json.dumps(value)
    if not re.fullmatch(shape, text):
        raise Broken(f"type:{field}")
    if (low is not None and float(text) < low) or (high is not None and float(text) > high):
        raise Broken(f"between:{field}")


def instant(record: Record, field: str) -> datetime | None:
    """A date of the store's own, or a text with its offset from UTC. Nothing is fine."""
    value = record.get(field)
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.]\d{1,9})?)?(Z|[+-]\d\d:\d\d)", value
    ):
        return datetime.fromisoformat(value)
    raise Broken(f"type:{field}")


def instants(record: Record, *fields: str) -> None:
    required(record, *fields)
    for field in fields:
        instant(record, field)


def json_object(seen: Seen) -> Record:
    try:
        found = json.loads(seen.content.decode("utf-8"))
    except ValueError:
        raise Broken("readable") from None
    if not isinstance(found, dict):
        raise Broken("readable")
    return found


def user(seen: Seen) -> tuple[str, datetime]:
    it = seen.content
    required(it, "email", "plan")
    if not re.search(r"^[^@ ]+@[^@ ]+[.][^@ ]+$", it["email"].strip(" ")):
        raise Broken("pattern:email")
    one_of(it, "plan", "free", "pro", "team")
    if it.get("country") is not None and not re.search(r"^[A-Z]{2}$", it["country"].strip(" ").upper()):
        raise Broken("pattern:country")
    instants(it, "created_at", "updated_at")
    return it["_id"], it["updated_at"]


def interview(seen: Seen) -> tuple[str, datetime]:
    it = seen.content
    required(it, "user_id", "stage")
    one_of(it, "stage", *["applied", "screening", "technical", "onsite", "offer", "hired", "rejected", "withdrawn"])
    number(it, "score", 0, 100)
    instants(it, "stage_changed_at", "created_at", "updated_at")
    instant(it, "scheduled_at")
    return it["_id"], it["updated_at"]


def resume(seen: Seen) -> tuple[str, datetime]:
    it = seen.content
    required(it, "user_id")
    number(it, "years_experience", 0, 70, whole=True)
    instants(it, "created_at", "updated_at")
    return it["_id"], it["updated_at"]


def conversation(seen: Seen) -> tuple[str, datetime]:
    it = seen.content
    required(it, "user_id", "assistant", "messages", "prompt_tokens", "completion_tokens", "cost_usd")
    one_of(it, "assistant", "coach", "resume-writer", "mock-interviewer")
    for field in ("messages", "prompt_tokens", "completion_tokens"):
        number(it, field, 0, whole=True)
    if it["cost_usd"].to_decimal() < 0:
        raise Broken("between:cost_usd")
    instants(it, "started_at", "updated_at")
    if it.get("ended_at") is not None and it["started_at"] > it["ended_at"]:
        raise Broken("not_after:started_at")
    return it["_id"], it["updated_at"]


def schedule(seen: Seen) -> tuple[str, datetime]:
    it = seen.content
    one_of(it, "kind", "interview", "reminder", "review")
    one_of(it, "state", "planned", "confirmed", "cancelled", "done")
    if it["starts_at"] > it["ends_at"]:
        raise Broken("not_after:starts_at")
    return it["schedule_id"], it["updated_at"]


def event(seen: Seen) -> tuple[str, datetime]:
    it = json_object(seen)
    required(it, "event_id", "worker", "operation", "outcome", "duration_ms")
    one_of(it, "outcome", "ok", "error", "timeout")
    for field in ("duration_ms", "queue_ms"):
        number(it, field, 0)
    number(it, "attempt", 1, whole=True)
    number(it, "bytes", 0, whole=True)
    instants(it, "occurred_at")
    return it["event_id"], datetime.fromisoformat(it["occurred_at"])


def article(seen: Seen) -> tuple[str, datetime]:
    it = json_object(seen)
    required(it, "article_id", "title", "topic")
    number(it, "sentiment", -1, 1)
    if it.get("url") is not None and not re.search(r"^https?://", it["url"]):
        raise Broken("pattern:url")
    if it.get("language") is not None and not re.search(r"^[a-z]{2}$", it["language"].strip(" ").lower()):
        raise Broken("pattern:language")
    instants(it, "published_at", "updated_at")
    return it["article_id"], datetime.fromisoformat(it["updated_at"])


def document(seen: Seen) -> tuple[str, datetime]:
    try:
        text = seen.content.decode("utf-8")
    except UnicodeDecodeError:
        raise Broken("readable") from None
    parts = re.fullmatch(r"---\r?\n(.*?)\r?\n---\r?\n(.*)", text, flags=re.DOTALL)
    if not parts:
        raise Broken("readable")
    it: Record = dict(line.split(": ", 1) for line in parts[1].splitlines())
    required(it, "resume_id", "user_id")
    instants(it, "updated_at")
    return it["resume_id"], datetime.fromisoformat(it["updated_at"])


TABLES: dict[str, tuple[Callable[[], Iterator[Seen]], Callable[[Seen], tuple[str, datetime]]]] = {
    "mongodb__users": (lambda: mongodb("users"), user),
    "mongodb__interviews": (lambda: mongodb("interviews"), interview),
    "mongodb__resumes": (lambda: mongodb("resumes"), resume),
    "mongodb__conversations": (lambda: mongodb("conversations"), conversation),
    "postgres__schedules": (schedules, schedule),
    "kafka__service_events": (events, event),
    "bucket__news_articles": (articles, article),
    "bucket__resume_documents": (documents, document),
}


def expected(night: str, after: str | None = None) -> dict[str, Counts]:
    """Each table's counts of the run of ``night``; ``after`` is the last night that was published before, if any."""
    last, before = date.fromisoformat(night), date.fromisoformat(after) if after else date.min
    return {table: _account(list(read()), judge, before, last) for table, (read, judge) in TABLES.items()}


def broken_rules(night: str, after: str | None = None) -> dict[str, Counter[str]]:
    """Each table's quarantined records of that run by the rule that they break."""
    last, before = date.fromisoformat(night), date.fromisoformat(after) if after else date.min
    return {
        table: Counter(rule for seen in read() if before < seen.night <= last and (rule := _rule(judge, seen)))
        for table, (read, judge) in TABLES.items()
    }


def _rule(judge: Callable[[Seen], tuple[str, datetime]], seen: Seen) -> str | None:
    try:
        judge(seen)
    except Broken as broken:
        return str(broken)
    return None


def _good(judge: Callable[[Seen], tuple[str, datetime]], records: Iterable[Seen]) -> list[tuple[str, datetime]]:
    return [judge(seen) for seen in records if _rule(judge, seen) is None]


def _account(records: list[Seen], judge: Callable[[Seen], tuple[str, datetime]], before: date, last: date) -> Counts:
    has: dict[str, datetime] = {}
    for key, version in _good(judge, (seen for seen in records if seen.night <= before)):
        has[key] = max(version, has.get(key, version))
    new = [seen for seen in records if before < seen.night <= last]
    good = _good(judge, new)
    newest: dict[str, datetime] = {}
    for key, version in good:
        newest[key] = max(version, newest.get(key, version))
    verdicts: Counter[str] = Counter()
    first: set[str] = set()
    for key, version in good:
        if version < newest[key]:
            verdicts["superseded"] += 1
        elif key in first or has.get(key) == version:
            verdicts["duplicate"] += 1
        elif key in has and has[key] > version:
            verdicts["superseded"] += 1
        else:
            verdicts["accepted"] += 1
        if version == newest[key]:
            first.add(key)
    return Counts(
        raw=len(new),
        accepted=verdicts["accepted"],
        quarantined=len(new) - len(good),
        duplicate=verdicts["duplicate"],
        superseded=verdicts["superseded"],
    )
