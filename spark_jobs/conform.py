"""The words that the transforms are written in: expressions that bring a value into the form that the contract states.

A value that does not fit stays what it is: the contract's rules, not the transform, decide what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def conform(frame: DataFrame, **expressions: str) -> DataFrame:
    """``frame`` with each named column set to its expression; all of them see the columns as they came in."""
    from pyspark.sql.functions import expr

    return frame.withColumns({column: expr(expression) for column, expression in expressions.items()})


def lower(column: str) -> str:
    """Without blanks around it, in lower case."""
    return f"lower(trim({column}))"


def upper(column: str) -> str:
    """Without blanks around it, in upper case."""
    return f"upper(trim({column}))"


def day(column: str) -> str:
    """The UTC day of an instant."""
    return f"to_date({column})"


def seconds(start: str, end: str) -> str:
    """Seconds from one instant to another, to the microsecond."""
    return f"(unix_micros({end}) - unix_micros({start})) / 1e6D"


def given(column: str) -> str:
    """Whether there is a value."""
    return f"{column} IS NOT NULL"
