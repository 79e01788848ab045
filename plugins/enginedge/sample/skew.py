"""How unevenly the platform is used: a few users, companies and topics get most, and the day has its hours."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Value = TypeVar("Value")

HOURLY_LOAD = (4, 3, 2, 2, 2, 3, 6, 12, 22, 34, 40, 38, 30, 32, 38, 40, 38, 32, 26, 22, 20, 16, 10, 6)


def zipf(chance: Random, size: int) -> int:
    """An index below ``size``; index k comes with a probability near 1/(k+1), as words and popular users do."""
    return min(int((size + 1) ** chance.random()) - 1, size - 1)


def favourite(chance: Random, values: Sequence[Value]) -> Value:
    """One of ``values``, the earlier ones far more often."""
    return values[zipf(chance, len(values))]
