"""Instants as Marquez reads and writes them: ISO 8601, UTC, microseconds, no more digits than needed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISO = re.compile(
    r"^(?P<clock>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d{2}:\d{2})?$"
)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)


def parsed_instant(value: object) -> datetime:
    """The instant that ``value`` means: ISO 8601 (no zone = UTC), or a number of seconds since the epoch.

    More than six digits of a second are rounded to six. What lies past the year 9999 (milliseconds taken for seconds)
    becomes that year, since neither Python nor a reader can tell it.

    Raises:
        ValueError: for anything else, among them a bare date and an offset without a colon.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return EPOCH + timedelta(seconds=float(value))
        except OverflowError:
            return LATEST
    found = ISO.match(value) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"Text {value!r} could not be parsed as an instant")
    instant = datetime.fromisoformat(found["clock"] + (found["zone"] or "Z"))
    fraction = timedelta(microseconds=round(float(f"0.{found['fraction'] or 0}") * 1e6))
    try:
        return (instant + fraction).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"Text {value!r} could not be parsed as an instant: it is out of range") from None


def written_instant(instant: datetime | None) -> str | None:
    """``instant`` with ``Z`` and 0, 3 or 6 fraction digits, as few as hold it."""
    if instant is None:
        return None
    clock = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    micros = instant.microsecond
    if not micros:
        return f"{clock}Z"
    return f"{clock}.{micros:06d}Z" if micros % 1000 else f"{clock}.{micros // 1000:03d}Z"
