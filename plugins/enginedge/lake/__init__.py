"""The lake: its nights, its tables, and how an analyst reads them.

An analyst needs three names::

    from enginedge import lake

    lake.tables()                               # what there is, whose it is, how fresh it is
    lake.table("mart.interviews__daily_funnel")  # one of them as a data frame
    lake.query("select … from mart.… join core.…")  # any question as a data frame

They are looked up when first used, so that importing the package reads nothing, and loads neither pandas nor a client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enginedge.lake.analyst import query, table, tables

__all__ = ["query", "table", "tables"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from enginedge.lake import analyst

    return getattr(analyst, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
