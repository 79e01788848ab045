"""How dirty the sample is: the one table of rates, a share of a table's records for each kind of dirt.

Each kind has at least one record a night, however small the scale, so that a test at a small scale meets all of them. A
record has at most one kind. What a kind does to a record stands in the module of its table, under the same name.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain

from enginedge.sample.night import Night

DANGLING = 0.03  # of the references point at a record that never was
FROM_EARLIER = 0.12  # of the references point at a record of an earlier night

REVISED = {
    "users": 0.05,
    "interviews": 0.30,
    "resumes": 0.10,
    "conversations": 0.04,
    "schedules": 0.15,
    "articles": 0.05,
}
REPEATING = ("duplicate", "superseded")  # kinds that tell of another record of the night again
DELETING = 0.15  # of the revisions are soft deletions

RATES: dict[str, dict[str, float]] = {
    "users": {
        "late": 0.010,
        "wrong_type": 0.004,
        "missing": 0.004,
        "out_of_range": 0.004,
        "unknown_field": 0.010,
        "spelling": 0.005,
        "unicode": 0.050,
        "skewed_clock": 0.010,
        "deleted": 0.010,
        "null": 0.010,
    },
    "interviews": {
        "late": 0.010,
        "wrong_type": 0.004,
        "missing": 0.004,
        "out_of_range": 0.004,
        "unknown_value": 0.004,
        "unknown_field": 0.010,
        "spelling": 0.005,
        "unicode": 0.050,
        "skewed_clock": 0.010,
        "deleted": 0.010,
        "null": 0.010,
    },
    "resumes": {
        "late": 0.010,
        "wrong_type": 0.005,
        "missing": 0.005,
        "out_of_range": 0.005,
        "number_as_text": 0.010,
        "unknown_field": 0.010,
        "unicode": 0.050,
        "skewed_clock": 0.010,
        "deleted": 0.010,
        "null": 0.010,
    },
    "conversations": {
        "late": 0.010,
        "wrong_type": 0.003,
        "missing": 0.003,
        "out_of_range": 0.003,
        "unknown_value": 0.003,
        "number_as_text": 0.005,
        "unknown_field": 0.010,
        "spelling": 0.004,
        "unicode": 0.030,
        "skewed_clock": 0.010,
        "deleted": 0.010,
        "null": 0.010,
    },
    "schedules": {
        "late": 0.010,
        "ends_before_start": 0.005,
        "unknown_zone": 0.005,
        "missing": 0.004,
        "unknown_value": 0.004,
        "spelling": 0.005,
        "unicode": 0.010,
        "skewed_clock": 0.010,
        "deleted": 0.020,
        "null": 0.010,
    },
    "events": {
        "late": 0.0100,
        "duplicate": 0.0100,
        "not_json": 0.0010,
        "truncated": 0.0010,
        "not_utf8": 0.0005,
        "not_an_object": 0.0005,
        "wrong_type": 0.0020,
        "missing": 0.0020,
        "out_of_range": 0.0010,
        "unknown_value": 0.0010,
        "spelling": 0.0020,
        "redelivered": 0.0001,
        "number_as_text": 0.0030,
        "other_zone": 0.0050,
        "unknown_field": 0.0100,
        "unicode": 0.0050,
        "skewed_clock": 0.0100,
    },
    "articles": {
        "late": 0.020,
        "duplicate": 0.015,
        "superseded": 0.020,
        "truncated": 0.004,
        "blank": 0.004,
        "wrong_type": 0.004,
        "missing": 0.004,
        "out_of_range": 0.004,
        "unknown_field": 0.010,
        "unicode": 0.080,
        "skewed_clock": 0.010,
        "null": 0.010,
    },
    "documents": {
        "late": 0.02,
        "duplicate": 0.02,
        "superseded": 0.02,
        "no_front_matter": 0.01,
        "open_front_matter": 0.01,
        "empty": 0.01,
        "not_utf8": 0.01,
        "missing": 0.01,
        "unknown_field": 0.02,
        "unicode": 0.05,
        "skewed_clock": 0.01,
    },
}


@lru_cache(maxsize=64)
def dirt(night: Night, table: str) -> dict[int, str]:
    """Which of the night's records are dirty and how: index to kind. At least a quarter of a table is clean."""
    size = night.count(table)
    once = list(RATES[table])
    more = [kind for kind, rate in RATES[table].items() for _ in range(round(rate * size) - 1)]
    kinds = (once + more)[: size * 3 // 4]
    places = night.stream(table, "dirt").sample(range(1, size), len(kinds))  # never the first: it can be repeated
    return dict(zip(places, kinds, strict=True))


def clean_before(night: Night, table: str, index: int) -> int:
    """The nearest record before ``index`` that is clean."""
    plan = dirt(night, table)
    return next(earlier for earlier in range(index - 1, -1, -1) if earlier not in plan)


@lru_cache(maxsize=64)
def repeated(night: Night, table: str) -> dict[int, int]:
    """Which clean record each repeating record repeats: index to index, each clean one once.

    A duplicate of a record that another record supersedes counts as superseded: the night would have no duplicate.
    """
    plan = dirt(night, table)
    clean = set(range(night.count(table))) - set(plan)
    found: dict[int, int] = {}
    for index in sorted(index for index, kind in plan.items() if kind in REPEATING):
        places = chain(range(index - 1, -1, -1), range(index + 1, night.count(table)))
        found[index] = next(place for place in places if place in clean)
        clean.remove(found[index])
    return found


def revisions(night: Night, table: str) -> int:
    """How many records of earlier nights the night revises."""
    return max(2, round(REVISED[table] * night.count(table)))
