"""A source rebuilt from raw while a reader polls, by an application that has no lineage listener.

Nobody who reads sees it happen; the graph says what it lacks. That a night with its listener lacks nothing is shown by
the main job (``test_first_night.py``), after all bad days.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from enginedge.settings import settings
from enginedge.table_digest import digest
from tests.integration.conftest import Lake
from tests.integration.lineage_verbs import in_time
from tests.integration.test_nights import digests, rerun

pytestmark = [pytest.mark.stack, pytest.mark.destructive]

LISTENER = "io.openlineage.spark.agent.OpenLineageSparkListener"
SOURCE = "bucket"  # whose records also come twice and late
WATCHED = ("core.bucket__news_articles", "core.bucket__resume_documents", "mart.news__daily_topics")
PAUSE_S = 1  # so that the reader leaves the engines a core


@dataclass(frozen=True)
class Rebuilt:
    """When it began, what there was before, and what a reader met meanwhile, and how often."""

    began: float
    before: dict[str, str]
    seen: dict[str, Counter[str]]


@contextmanager
def without_sparks_listener() -> Iterator[None]:
    """New applications load no listener; the installation's own configuration is put back afterwards."""
    path = settings().state / "conf" / "spark" / "spark-defaults.conf"
    whole = path.read_text()
    assert LISTENER in whole
    path.write_text("".join(line for line in whole.splitlines(keepends=True) if LISTENER not in line))
    try:
        yield
    finally:
        path.write_text(whole)


@contextmanager
def read_meanwhile() -> Iterator[dict[str, Counter[str]]]:
    """What a reader of each watched table meets for as long as the ``with`` lasts."""
    seen: dict[str, Counter[str]] = {table: Counter() for table in WATCHED}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for table in WATCHED:
                try:
                    seen[table][digest(table)] += 1
                except Exception as error:  # noqa: BLE001 - whatever a reader meets is what this test is about
                    seen[table][str(error)] += 1
            done.wait(PAUSE_S)

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        yield seen
    finally:
        done.set()
        reader.join()


@pytest.fixture(scope="module")
def rebuilt(lake_of_one_night: Lake) -> Rebuilt:
    before, began = digests(), time.time()
    with read_meanwhile() as seen, without_sparks_listener():
        rerun(lake_of_one_night.night, "--full-refresh", "--source", SOURCE)
    return Rebuilt(began, before, seen)


def test_a_rebuild_from_raw_gives_the_same_rows_and_no_reader_sees_it_happen(rebuilt: Rebuilt) -> None:
    assert digests() == rebuilt.before
    assert {table: set(states) for table, states in rebuilt.seen.items()} == {
        table: {rebuilt.before[table]} for table in WATCHED
    }
    assert all(sum(states.values()) > 10 for states in rebuilt.seen.values())


def test_with_sparks_listener_off_the_tables_without_an_origin_are_named(rebuilt: Rebuilt) -> None:
    found = in_time("completeness", rebuilt.began, lambda status, _: status == 4)
    named = {(each["kind"], each["subject"]) for each in found["missing"]}
    assert named >= {("no-origin", table) for table in WATCHED if table.startswith("core.")}
