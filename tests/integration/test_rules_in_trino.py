"""The contract's rules in Trino: the shared suite, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest

from enginedge import trino
from enginedge.lake.rules import Dialect
from tests.contracts.rules_suite import RulesSuite


@pytest.mark.stack
@pytest.mark.usefixtures("running_stack")
class TestRulesInTrino(RulesSuite):
    dialect: ClassVar = Dialect.TRINO
    type_names: ClassVar = {"string": "varchar", "timestamp": "timestamp(6)"}

    def answers(self, query: str) -> list[tuple[object, ...]]:
        return trino.query(query).rows

    def texts(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        arrays = ", ".join(f"ARRAY[{', '.join(of_column)}]" for of_column in zip(*rows, strict=True))
        return f"UNNEST({arrays}) AS texts({', '.join(columns)})"
