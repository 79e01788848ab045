"""The contract's rules in Spark: the shared suite, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import pytest

from enginedge.lake.rules import Dialect
from tests.contracts.rules_suite import RulesSuite

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class TestRulesInSpark(RulesSuite):
    dialect: ClassVar = Dialect.SPARK

    @pytest.fixture(autouse=True)
    def _spark(self, spark: SparkSession) -> None:
        self.spark = spark

    def answers(self, query: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self.spark.sql(query).collect()]

    def texts(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        values = ", ".join(f"({', '.join(row)})" for row in rows)
        return f"VALUES {values} AS texts({', '.join(columns)})"
