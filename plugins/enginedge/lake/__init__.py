"""The lake: its nights, its tables, and how an analyst reads them.

An analyst needs two names::

    from enginedge import lake

    lake.tables()                               # what there is, whose it is, how fresh it is
    lake.table("mart.interviews__daily_funnel")  # a data frame of it

They are looked up when first used, so that importing the package reads nothing and loads neither pandas nor Trino's client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enginedge.lake.frames import table, tables

__all__ = ["table", "tables"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from enginedge.lake import frames

    return getattr(frames, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
