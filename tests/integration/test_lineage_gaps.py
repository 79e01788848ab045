"""A listener that is off, and a relay that is away while Trino writes: the graph says what it lacks, and what can be
made good is made good."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from enginedge.lake import marts
from enginedge.settings import settings
from tests.installation import enginedge, stack
from tests.integration.conftest import Lake

pytestmark = [pytest.mark.stack, pytest.mark.destructive]

LISTENER = "io.openlineage.spark.agent.OpenLineageSparkListener"
SPOOL_IS_READ_WITHIN_S = 40


def asked(verb: str, since: float) -> tuple[int, dict[str, Any]]:
    """How the verb ended, and what it found of all that happened from ``since`` on."""
    hours = (time.time() - since) / 3600
    ended = enginedge("lake", "lineage", verb, "--hours", str(hours), "--json", check=False)
    return ended.returncode, json.loads(ended.stdout)


def in_time(verb: str, since: float, is_so: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
    """What the verb found once it ``is_so``: the relay reads the spool a moment after it is written."""
    until = time.monotonic() + SPOOL_IS_READ_WITHIN_S
    while True:
        status, found = asked(verb, since)
        if is_so(status, found) or time.monotonic() > until:
            assert is_so(status, found), found
            return found
        time.sleep(2)


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


def rebuild(night: str) -> None:
    enginedge("lake", "run", "--night", night, "--source", "postgres", "--full-refresh")


def test_with_sparks_listener_off_the_tables_without_an_origin_are_named(lake_of_one_night: Lake) -> None:
    night = lake_of_one_night.night
    began = time.time()
    with without_sparks_listener():
        rebuild(night)
    found = in_time("completeness", began, lambda status, _: status == 4)
    assert ("no-origin", "core.postgres__schedules") in {(each["kind"], each["subject"]) for each in found["missing"]}

    began = time.time()
    rebuild(night)
    in_time("completeness", began, lambda status, found: status == 0 and found["runs"] > 0)


def test_what_trino_wrote_while_the_relay_was_away_is_reported_and_made_good(lake_of_one_night: Lake) -> None:
    began = time.time()
    stack("stop", "lineage")
    try:
        published = marts.publish_mart("mart.services__daily_throughput")
    finally:
        stack("start", "lineage")
    _, found = asked("completeness", began)
    untold = {each["subject"] for each in found["missing"] if each["kind"] == "untold-query"}
    assert untold >= set(published.query_ids)
    healed = in_time("reconcile", began, lambda status, _: status == 0)
    assert untold <= set(healed["healed"])
