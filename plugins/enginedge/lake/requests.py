"""What a person may ask of a night: read, completed and judged before anything runs.

Airflow accepts a run's conf with keys that its form does not have, and a misspelt ``full_refesh`` would be ignored in
silence; here it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from enginedge.errors import Misconfigured
from enginedge.lake.contracts import contracts
from enginedge.lake.declared import SOURCES

KEYS = ("night", "sources", "full_refresh")
FORM = "the run's conf"


@dataclass(frozen=True)
class Request:
    """One night's work: the UTC day ``YYYY-MM-DD``, the sources to read, and whether from their beginning."""

    night: str
    sources: tuple[str, ...]
    full_refresh: bool


def read_request(conf: Mapping[str, Any] | None, asked_at: datetime) -> Request:
    """The request in ``conf``; left out, it is yesterday as seen from ``asked_at``, every source, no full refresh.

    Raises:
        Misconfigured: an unknown key or source, a value of the wrong kind, or a night that has not ended.
    """
    given = dict(conf or {})
    for key in given:
        if key not in KEYS:
            raise Misconfigured(
                f"there is no {key!r}{_perhaps(key, KEYS)}", where=FORM, remedy=f"use {', '.join(KEYS)}"
            )
    return Request(
        _night(given.get("night"), asked_at), _sources(given.get("sources")), _flag(given.get("full_refresh"))
    )


def check_request(conf: Mapping[str, Any] | None, asked_at: datetime) -> dict[str, Any]:
    """:func:`read_request` as plain values, the way they are handed from task to task, before anything runs.

    Raises:
        Misconfigured: the request, or a contract of the repository, can't be honoured.
    """
    contracts()
    request = asdict(read_request(conf, asked_at))
    return {**request, "sources": list(request["sources"])}


def _night(given: object, asked_at: datetime) -> str:
    today = asked_at.date()
    if given is None or given == "":
        return (today - timedelta(days=1)).isoformat()
    try:
        night = datetime.strptime(str(given), "%Y-%m-%d").date()
    except ValueError:
        raise Misconfigured(f"{given!r} is no day", where=f"{FORM}, night", remedy="write it as YYYY-MM-DD") from None
    if night >= today:
        raise Misconfigured(f"{night} has not ended", where=f"{FORM}, night", remedy="ask for a day before today, UTC")
    return night.isoformat()


def _sources(given: object) -> tuple[str, ...]:
    if given is None:
        return SOURCES
    if not isinstance(given, (list, tuple)) or not given:
        raise Misconfigured(f"{given!r} names no source", where=f"{FORM}, sources", remedy="give a list of sources")
    for source in given:
        if source not in SOURCES:
            hint = _perhaps(str(source), SOURCES)
            raise Misconfigured(
                f"there is no source {source!r}{hint}", where=f"{FORM}, sources", remedy=f"use {', '.join(SOURCES)}"
            )
    return tuple(source for source in SOURCES if source in given)


def _flag(given: object) -> bool:
    if given is None or isinstance(given, bool):
        return bool(given)
    raise Misconfigured(
        f"{given!r} is neither true nor false", where=f"{FORM}, full_refresh", remedy="tick the box or not"
    )


def _perhaps(word: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}" if close else ""
