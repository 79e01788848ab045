"""Which rows of a batch are new: the newest version of each key, compared with the version that core has.

Every good row is one of these: ``insert`` or ``update`` (accepted), ``duplicate`` (the same key in the same version,
here or in core), ``superseded`` (an older version). Among rows of one version the first that was read wins, so that an
incremental night and a rebuild from the whole of raw choose the same row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from enginedge.lake.contracts import Contract
from enginedge.lake.rules import Dialect
from spark_jobs.engine.parse import RULE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VERDICT = "__verdict"
ORDER = ("__night", "__ingested_at", "__position")
MANY = 400
NAME = Dialect.SPARK.name_of


def classified(good: DataFrame, core: DataFrame | None, contract: Contract, periods: str) -> DataFrame:
    """``good`` with a verdict a row; ``core`` is None for a rebuild, ``periods`` limits what is read of it."""
    keys, version = [NAME(column) for column in contract.key], NAME(contract.version)
    by_key = f"PARTITION BY {', '.join(keys)}"
    newest = f"{by_key} ORDER BY {version} DESC, {', '.join(ORDER)}"
    ranked = good.selectExpr(
        "*", f"row_number() OVER ({newest}) AS __rank", f"max({version}) OVER ({by_key}) AS __newest"
    )
    older = f"CASE WHEN {version} = __newest THEN 'duplicate' ELSE 'superseded' END"
    if core is None:
        return ranked.selectExpr("*", f"CASE WHEN __rank = 1 THEN 'insert' ELSE {older} END AS {VERDICT}")
    has = core.where(periods).selectExpr(
        *(f"{NAME(column)} AS `__core_{column}`" for column in contract.key), f"{version} AS __has"
    )
    # Keys are never null, in good rows and in core; and by equality the rows stay where the ranking has them.
    on = [ranked[column] == has[f"__core_{column}"] for column in contract.key]
    first = (
        f"CASE WHEN __has IS NULL THEN 'insert' WHEN __has < {version} THEN 'update' "
        f"WHEN __has = {version} THEN 'duplicate' ELSE 'superseded' END"
    )
    return ranked.join(has, on, "left").selectExpr(
        *(NAME(column) for column in good.columns), f"CASE WHEN __rank = 1 THEN {first} ELSE {older} END AS {VERDICT}"
    )


@dataclass(frozen=True)
class Survey:
    """A batch in numbers, from one look at it: good rows, broken rows, and where in core the good ones belong.

    ``periods`` is a condition on the partition column that holds for every good row: a merge need not read beyond it.
    """

    good: int
    broken: int
    periods: str


def survey(judged: DataFrame, contract: Contract) -> Survey:
    """Count the rows of a batch by verdict and by the partition that they belong to."""
    first, last = _bounds(contract)
    columns = [f"{RULE} IS NULL AS good", f"{first} AS first", f"{last} AS last"]
    found = judged.selectExpr(*columns).groupBy("good", "first", "last").count().collect()
    good = [row for row in found if row["good"]]
    return Survey(
        good=sum(row["count"] for row in good),
        broken=sum(row["count"] for row in found if not row["good"]),
        periods=_periods({(row["first"], row["last"]) for row in good}, contract),
    )


def _bounds(contract: Contract) -> tuple[str, str]:
    """The first and the last day of the partition that a row belongs to."""
    if contract.partition is None:
        return ("CAST(NULL AS date)",) * 2
    column = NAME(contract.partition.column)
    if contract.partition.transform == "month":
        return f"trunc({column}, 'MONTH')", f"last_day({column})"
    return column, column


def _periods(found: set[tuple[date, date]], contract: Contract) -> str:
    if contract.partition is None:
        return "true"
    if not found:
        return "false"
    if len(found) > MANY:
        found = {(min(first for first, _ in found), max(last for _, last in found))}
    column = NAME(contract.partition.column)
    return " OR ".join(f"{column} BETWEEN DATE'{first}' AND DATE'{last}'" for first, last in sorted(found))
