"""Turns what Trino answers into a pandas data frame whose column types follow from Trino's types, never from the data.

==============================  =====================  ===============================================================
Trino                           pandas                 why
==============================  =====================  ===============================================================
tinyint … bigint                ``Int8`` … ``Int64``   a missing value must not turn identifiers and counts into floats
real, double                    ``float64``            NaN is the missing value
decimal                         ``float64``            it can be summed and plotted; ``exact=True`` keeps ``Decimal``
boolean                         ``boolean``            with a missing value
char, varchar                   ``str``
date                            ``datetime64[us]``     midnight, without a zone: a day is no instant
timestamp, with or without zone ``datetime64[us,UTC]`` everything in the lake is UTC
anything else                   ``object``             as Trino's client gives it
==============================  =====================  ===============================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

    from enginedge.trino import QueryResult

_PLAIN = {
    "tinyint": "Int8",
    "smallint": "Int16",
    "integer": "Int32",
    "bigint": "Int64",
    "real": "float64",
    "double": "float64",
    "boolean": "boolean",
    "char": "str",
    "varchar": "str",
}


def frame(answer: QueryResult, *, exact: bool = False) -> pandas.DataFrame:
    """The rows of ``answer``, typed as the module's table says; ``exact`` keeps decimals as ``Decimal`` objects."""
    import pandas

    columns = zip(*answer.rows, strict=True) if answer.rows else ([] for _ in answer.columns)
    typed = [_typed(list(values), type_, exact) for values, type_ in zip(columns, answer.types, strict=True)]
    built = pandas.DataFrame(dict(enumerate(typed)))
    built.columns = pandas.Index(answer.columns, dtype="str")
    return built


def _typed(values: list[Any], type_: str, exact: bool) -> pandas.Series[Any]:
    import pandas

    kind = type_.partition("(")[0].partition(" ")[0]
    if kind in _PLAIN:
        return pandas.Series(values, dtype=_PLAIN[kind])
    if kind == "decimal" and not exact:
        return pandas.Series([None if value is None else float(value) for value in values], dtype="float64")
    if kind == "date":
        return pandas.Series(values, dtype="object").astype("datetime64[us]")
    if kind == "timestamp":
        return pandas.Series(
            pandas.to_datetime(pandas.Series(values, dtype="object"), utc=True).astype("datetime64[us, UTC]")
        )
    return pandas.Series(values, dtype="object")
