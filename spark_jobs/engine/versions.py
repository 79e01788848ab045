"""Which rows of a batch are new: the newest version of each key, compared with the version that core has.

Every good row is one of these: ``insert`` or ``update`` (accepted), ``duplicate`` (the same key in the same version,
here or in core), ``superseded`` (an older version). Among rows of one version the first that was read wins, so that an
incremental night and a rebuild from the whole of raw choose the same row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enginedge.lake.contracts import Contract
from enginedge.lake.rules import Dialect

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VERDICT = "__verdict"
MANY = 400
NAME = Dialect.SPARK.name_of


def classified(good: DataFrame, core: DataFrame | None, contract: Contract, periods: str) -> DataFrame:
    """``good`` with a verdict a row; ``core`` is None for a rebuild, ``periods`` limits what is read of it."""
    keys, version = [NAME(column) for column in contract.key], NAME(contract.version)
    by_key = f"PARTITION BY {', '.join(keys)}"
    newest = f"{by_key} ORDER BY {version} DESC, __night, __ingested_at, __position"
    ranked = good.selectExpr(
        "*", f"row_number() OVER ({newest}) AS __rank", f"max({version}) OVER ({by_key}) AS __newest"
    )
    older = f"CASE WHEN {version} = __newest THEN 'duplicate' ELSE 'superseded' END"
    if core is None:
        return ranked.selectExpr("*", f"CASE WHEN __rank = 1 THEN 'insert' ELSE {older} END AS {VERDICT}")
    has = core.where(periods).selectExpr(
        *(f"{NAME(column)} AS `__core_{column}`" for column in contract.key), f"{version} AS __has"
    )
    on = [ranked[column].eqNullSafe(has[f"__core_{column}"]) for column in contract.key]
    first = (
        f"CASE WHEN __has IS NULL THEN 'insert' WHEN __has < {version} THEN 'update' "
        f"WHEN __has = {version} THEN 'duplicate' ELSE 'superseded' END"
    )
    return ranked.join(has, on, "left").selectExpr(
        *(NAME(column) for column in good.columns), f"CASE WHEN __rank = 1 THEN {first} ELSE {older} END AS {VERDICT}"
    )


def periods_of(good: DataFrame, contract: Contract) -> str:
    """A condition on the partition column that holds for every row of ``good``: a merge need not read beyond it."""
    if contract.partition is None:
        return "true"
    column = NAME(contract.partition.column)
    unit = {"month": "MONTH"}.get(contract.partition.transform, "DAY")
    first = column if unit == "DAY" else f"trunc({column}, '{unit}')"
    last = column if unit == "DAY" else f"last_day({column})"
    found = good.where(f"{column} IS NOT NULL").selectExpr(f"{first} AS first", f"{last} AS last").distinct().collect()
    if not found:
        return "false"
    if len(found) > MANY:
        return (
            f"{column} BETWEEN DATE'{min(row['first'] for row in found)}' AND DATE'{max(row['last'] for row in found)}'"
        )
    return " OR ".join(f"{column} BETWEEN DATE'{row['first']}' AND DATE'{row['last']}'" for row in found)
