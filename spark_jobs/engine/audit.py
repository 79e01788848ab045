"""The audit of a branch before ``main`` moves to it: what was written is read back and held against its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enginedge.errors import Violated
from enginedge.lake.contracts import Contract
from enginedge.lake.counts import Counts
from enginedge.lake.rules import Dialect, first_broken

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SPARK = Dialect.SPARK


def check_counts(counts: Counts, table: str) -> None:
    """Raises:
    Violated: not every raw row went to exactly one place.
    """
    if not counts.reconciles:
        raise Violated(
            f"{counts.raw} raw rows, but {counts.accepted} accepted ({counts.inserted} new, {counts.updated} changed) "
            f"+ {counts.quarantined} quarantined + {counts.duplicate} duplicate + {counts.superseded} superseded "
            f"= {counts.gone}",
            where=table,
            untouched="main",
            remedy="the transform drops or adds rows, or raw changed meanwhile: run the night again",
        )


def check_added(counts: Counts, summary: dict[str, str], table: str) -> None:
    """Raises:
    Violated: the snapshot did not write as many rows as were accepted.
    """
    added = int(summary.get("added-records", "0"))
    if added != counts.accepted:
        raise Violated(f"{counts.accepted} rows were accepted, but {added} written", where=table, untouched="main")


def check_branch(written: DataFrame, others: DataFrame, contract: Contract, expected: int) -> None:
    """Hold the branch against the contract: what was written is whole and breaks no rule, and no key stands twice.

    Args:
        written: the rows of the batch, read back from the branch.
        others: the branch's other rows that the batch's keys may stand in; of these only the key is read.
        expected: how many rows were accepted.

    Raises:
        Violated: names the table and the rule.
    """
    keys = ", ".join(SPARK.name_of(column) for column in contract.key)
    rule = first_broken(((rule, rule.broken(SPARK)) for rule in contract.rules), SPARK)
    judged = written.selectExpr(f"struct({keys}) AS key", "true AS written", f"{rule} IS NOT NULL AS broken")
    rows = judged.unionAll(others.selectExpr(f"struct({keys}) AS key", "false AS written", "false AS broken"))
    found = rows.selectExpr(  # numbers alone: Spark sorts all rows for an aggregate that is a text
        "count(*) AS all_rows",
        "count(DISTINCT key) AS keys",
        "count_if(written) AS written",
        "count_if(broken) AS broken",
    ).collect()[0]
    if found["broken"]:
        first = written.selectExpr(f"min({rule})").collect()[0][0]
        raise Violated(f"the rule {first} is broken on the branch", where=contract.table, untouched="main")
    if found["all_rows"] != found["keys"]:
        doubled = found["all_rows"] - found["keys"]
        raise Violated(
            f"the rule {contract.unique.name} is broken on the branch by {doubled} rows",
            where=contract.table,
            untouched="main",
        )
    if found["written"] != expected:
        raise Violated(
            f"{expected} rows were accepted, but {found['written']} stand on the branch",
            where=contract.table,
            untouched="main",
        )
