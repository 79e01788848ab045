"""A table is made from its contract, and follows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from enginedge.errors import Misconfigured
from enginedge.lake.contracts import contract
from spark_jobs.engine.layout import Layout, layout_of
from spark_jobs.engine.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LAYOUT = layout_of(contract("core.postgres__schedules"))


@pytest.fixture(autouse=True)
def _no_table(spark: SparkSession) -> Iterator[None]:
    yield
    spark.sql(f"DROP TABLE IF EXISTS {LAYOUT.full_name} PURGE")


def ensured(spark: SparkSession, layout: Layout) -> Table:
    table = Table(spark, layout)
    table.ensure()
    return table


def test_a_table_has_the_contracts_columns_comments_and_partitioning(spark: SparkSession) -> None:
    table = ensured(spark, LAYOUT)
    columns = {row["col_name"]: row for row in spark.sql(f"DESCRIBE {table.name}").collect()}
    assert columns["starts_at"]["data_type"] == "timestamp"
    assert columns["starts_at"]["comment"] == "When it starts."
    assert str(table.iceberg().spec().fields().get(0).transform()) == "month"
    properties = dict(table.iceberg().properties())
    assert properties["write.wap.enabled"] == "true"
    assert properties["write.merge.mode"] == "merge-on-read"
    assert table.published() is None


def test_making_a_table_twice_changes_nothing(spark: SparkSession) -> None:
    main = ensured(spark, LAYOUT).main()
    assert ensured(spark, LAYOUT).main() == main


def test_a_column_that_is_new_in_the_contract_is_added(spark: SparkSession) -> None:
    ensured(spark, replace(LAYOUT, columns=LAYOUT.columns[:-1]))
    table = ensured(spark, LAYOUT)
    assert spark.table(table.name).columns == list(LAYOUT.names)


def test_a_column_that_changed_its_type_is_refused(spark: SparkSession) -> None:
    ensured(spark, LAYOUT)
    changed = (("schedule_id", "int", "Another type."), *LAYOUT.columns[1:])
    with pytest.raises(Misconfigured, match="schedule_id is int in the contract and string in the lake"):
        ensured(spark, replace(LAYOUT, columns=changed))
