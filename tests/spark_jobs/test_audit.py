"""The audit of a branch: each of its questions is answered wrongly once, and the branch is refused by that name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from enginedge.errors import Violated
from enginedge.lake.contracts import contract
from spark_jobs.engine.audit import check_branch
from tests.spark_jobs.lake import FIRST, NAME, SECOND, Lake, conversation

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NIGHTS = f"_night <= DATE'{SECOND}' AND _night > DATE'{FIRST}'"


@pytest.fixture(scope="module")
def branch(spark: SparkSession) -> Iterator[DataFrame]:
    """One row of an earlier night, two of the night that is audited; nobody writes to it."""
    lake = Lake(spark)
    lake.drop()
    lake.source.put(conversation("c-1", "2026-11-20T11:00:00Z"))
    lake.night(FIRST)
    lake.source.put(conversation("c-2", "2026-11-21T11:00:00Z"), conversation("c-3", "2026-11-21T11:00:00Z"))
    lake.night(SECOND)
    yield lake.read("core")
    lake.drop()


def _audited(branch: DataFrame, expected: int = 2) -> None:
    check_branch(branch.where(NIGHTS), branch.where(f"NOT ({NIGHTS})"), contract(f"core.{NAME}"), expected)


def test_what_was_accepted_passes(branch: DataFrame) -> None:
    _audited(branch)


@pytest.mark.parametrize("key", ["c-1", "c-2"])
def test_a_key_that_stands_twice_is_found_whichever_night_it_is_of(branch: DataFrame, key: str) -> None:
    twice = branch.unionAll(branch.where(f"conversation_id = '{key}'"))
    with pytest.raises(Violated, match="unique:conversation_id is broken on the branch by 1 rows"):
        _audited(twice, expected=3 if key == "c-2" else 2)


def test_a_rule_that_a_written_row_breaks_is_named(branch: DataFrame) -> None:
    columns = [name if name != "messages" else "-messages AS messages" for name in branch.columns]
    with pytest.raises(Violated, match="the rule between:messages is broken on the branch"):
        _audited(branch.selectExpr(*columns))


def test_a_row_that_was_lost_on_the_way_is_missed(branch: DataFrame) -> None:
    with pytest.raises(Violated, match="2 rows were accepted, but 1 stand on the branch"):
        _audited(branch.where("conversation_id <> 'c-3'"))
