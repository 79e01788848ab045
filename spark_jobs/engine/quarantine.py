"""Quarantine: the records that break their contract, with rule, reason, position and the record as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enginedge.lake.contracts import Contract
from spark_jobs.engine.parse import RULE, reason
from spark_jobs.engine.publish import Branch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def replace(branch: Branch, judged: DataFrame, contract: Contract, nights: str) -> int:
    """Make the branch's rows of ``nights`` (a condition) those of ``judged`` that break a rule; their number."""
    from pyspark.sql.functions import expr

    broken = judged.where(f"{RULE} IS NOT NULL").selectExpr(
        "__record AS record",
        "__record_bytes AS record_bytes",
        "__position AS position",
        "__record_key AS record_key",
        f"{RULE} AS rule",
        f"{reason(contract)} AS reason",
        "__night AS _night",
        "__ingested_at AS _ingested_at",
    )
    broken.writeTo(branch.table.name).overwrite(expr(nights))
    return int(branch.head().get("added-records", "0"))
