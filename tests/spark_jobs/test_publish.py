"""Publishing: whatever happens between the branch and ``main``, the effect comes once or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

from enginedge.errors import Unavailable, Violated
from spark_jobs.engine import publish as publishing
from spark_jobs.engine.layout import Layout
from spark_jobs.engine.night import Night
from spark_jobs.engine.publish import Branch, Seal, publish
from spark_jobs.engine.tables import Published, Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = Night(date(2026, 11, 20), "run-1")
NEXT = Night(date(2026, 11, 21), "run-2")
LAYOUT = Layout("core.numbers", "Numbers.", (("n", "int", "A number."),), None)
Write = Callable[[Branch, Published | None], Seal]


@pytest.fixture
def table(spark: SparkSession) -> Iterator[Table]:
    made = Table(spark, LAYOUT)
    spark.sql(f"DROP TABLE IF EXISTS {made.name} PURGE")
    made.ensure()
    yield made
    spark.sql(f"DROP TABLE IF EXISTS {made.name} PURGE")


def numbers(table: Table) -> list[int]:
    return sorted(row["n"] for row in table.spark.table(table.name).collect())


def branches(table: Table) -> set[str]:
    return set(table.iceberg().refs().keySet())


def writes(number: int, *, and_then: Callable[[], None] = lambda: None) -> Write:
    """Appends ``number`` to the branch, and lets something happen before the branch is published."""

    def write(branch: Branch, before: Published | None) -> Seal:
        branch.session.sql(f"SELECT {number} AS n").writeTo(branch.table.name).append()
        and_then()
        return Seal({"rows": 1}, {"number": number})

    return write


def somebody_appends(table: Table, number: int) -> Callable[[], None]:
    """Another writer's commit on ``main``; the newest snapshot is none of this application's writes."""

    def append() -> None:
        table.spark.sql(f"SELECT {number} AS n").writeTo(f"{table.name}.branch_main").append()
        table.iceberg().newAppend().commit()

    return append


def once(act: Callable[[], None]) -> Callable[[], None]:
    left = [act]
    return lambda: left.pop()() if left else None


def test_what_is_published_says_its_night_run_position_and_counts(table: Table) -> None:
    published, now = publish(table, NIGHT, writes(1))
    assert now
    assert published == table.published()
    assert (published.night, published.run) == (NIGHT.day, "run-1")
    assert (published.position, published.counts) == ({"number": 1}, {"rows": 1})
    assert branches(table) == {"main"}


def test_nobody_sees_a_row_before_it_is_published(table: Table) -> None:
    seen: list[list[int]] = []
    publish(table, NIGHT, writes(1, and_then=lambda: seen.append(numbers(table))))
    assert seen == [[]]
    assert numbers(table) == [1]


def test_a_night_that_is_published_is_not_written_again(table: Table) -> None:
    publish(table, NIGHT, writes(1))
    published, now = publish(table, Night(NIGHT.day, "run-9"), writes(2))
    assert (now, published.run, numbers(table)) == (False, "run-1", [1])


def test_a_write_that_fails_leaves_main_and_no_branch(table: Table) -> None:
    before = table.main()

    def fails() -> None:
        raise Violated("the audit found something")

    with pytest.raises(Violated, match="found something"):
        publish(table, NIGHT, writes(1, and_then=fails))
    assert (table.main(), numbers(table), branches(table)) == (before, [], {"main"})


def test_where_main_moved_the_work_is_done_again_on_the_new_main(table: Table) -> None:
    publish(table, NIGHT, writes(1))
    publish(table, NEXT, writes(2, and_then=once(somebody_appends(table, 7))))
    assert numbers(table) == [1, 2, 7]
    assert branches(table) == {"main"}


def test_two_attempts_at_one_night_have_one_effect(table: Table) -> None:
    other = Night(NIGHT.day, "the other attempt")
    published, now = publish(table, NIGHT, writes(1, and_then=once(lambda: publish(table, other, writes(2)))))
    assert (now, published.run, numbers(table)) == (False, "the other attempt", [2])


def test_a_commit_between_the_last_look_and_the_publication_is_not_overwritten(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = once(somebody_appends(table, 7))
    monkeypatch.setattr(publishing, "kill_point", lambda point, _: race() if point == "sealed" else None)
    publish(table, NIGHT, writes(1))
    assert numbers(table) == [1, 7]


def test_main_that_moves_under_every_attempt_is_told(table: Table) -> None:
    with pytest.raises(Unavailable, match="moved under each"):
        publish(table, NIGHT, writes(1, and_then=somebody_appends(table, 7)))
    assert 1 not in numbers(table)
    assert branches(table) == {"main"}


def test_forgetting_the_branch_is_noticed_and_main_is_put_back(table: Table) -> None:
    before = table.main()

    def forgetful(branch: Branch, _: Published | None) -> Seal:
        table.spark.sql("SELECT 1 AS n").writeTo(table.name).append()
        return Seal({"rows": 1}, {})

    with pytest.raises(Violated, match="wrote to main instead of its branch"):
        publish(table, NIGHT, forgetful)
    assert (table.main(), numbers(table), branches(table)) == (before, [], {"main"})


def test_main_that_moves_before_the_first_write_is_noticed(table: Table) -> None:
    moves = once(somebody_appends(table, 7))

    def late(branch: Branch, _: Published | None) -> Seal:
        found = branch.read().count()
        moves()
        branch.session.sql(f"SELECT {found} AS n").writeTo(branch.table.name).append()
        return Seal({"rows": int(branch.head()["added-records"])}, {})

    publish(table, NIGHT, late)
    assert numbers(table) == [1, 7], "what was made from the old main was thrown away"
    assert branches(table) == {"main"}


def test_where_somebody_removes_the_branch_the_work_is_done_again(table: Table) -> None:
    removed = once(lambda: publishing.drop_dead_branches(table.iceberg()))

    def write(branch: Branch, _: Published | None) -> Seal:
        branch.session.sql("SELECT 1 AS n").writeTo(branch.table.name).append()
        seal = Seal({"rows": int(branch.head()["added-records"])}, {})
        removed()
        return seal

    publish(table, NIGHT, write)
    assert (numbers(table), branches(table)) == ([1], {"main"})


def test_the_totals_that_a_snapshot_tells_are_those_of_all_nights(table: Table) -> None:
    publish(table, NIGHT, writes(1))
    publish(table, NEXT, writes(2))
    publish(table, Night(date(2026, 11, 22), "run-3"), lambda *_: Seal({"rows": 0}, {}, empty=True))
    told = table.iceberg().currentSnapshot().summary()
    assert (told["total-records"], told["total-data-files"]) == ("2", "2")
    assert numbers(table) == [1, 2]


def test_a_branch_that_holds_nothing_is_not_published_as_if_it_did(table: Table) -> None:
    with pytest.raises(Violated, match="nothing was written"):
        publish(table, NIGHT, lambda *_: Seal({"rows": 1}, {}))
    publish(table, NIGHT, lambda *_: Seal({"rows": 0}, {}, empty=True))
    assert table.published() is not None


def test_the_branch_of_a_killed_attempt_is_removed_by_the_next(table: Table) -> None:
    killed = Branch(table, NIGHT)
    killed.session.sql("SELECT 9 AS n").writeTo(table.name).append()
    assert killed.name in branches(table)
    publish(table, NIGHT, writes(1))
    assert (numbers(table), branches(table)) == ([1], {"main"})


def test_branches_that_are_not_ours_are_left_alone(table: Table) -> None:
    table.iceberg().manageSnapshots().createBranch("somebodys", table.main()).commit()
    publish(table, NIGHT, writes(1))
    assert branches(table) == {"main", "somebodys"}


def test_the_position_survives_maintenance_that_adds_snapshots_of_its_own(table: Table) -> None:
    publish(table, NIGHT, writes(1))
    somebody_appends(table, 7)()
    published = table.published()
    assert published is not None
    assert (published.night, published.position) == (NIGHT.day, {"number": 1})


def test_an_attempts_branch_is_named_for_its_night_and_for_itself() -> None:
    assert NIGHT.branch().startswith("night_20261120_")
    assert NIGHT.branch() != NIGHT.branch()
