"""A relay that is away while Trino writes: the graph says what it lacks, and what can be made good is made good."""

from __future__ import annotations

import time

import pytest

from enginedge.lake import marts
from tests.installation import stack
from tests.integration.lineage_verbs import asked, in_time

pytestmark = [pytest.mark.stack, pytest.mark.destructive, pytest.mark.usefixtures("lake_of_one_night")]


def test_what_trino_wrote_while_the_relay_was_away_is_reported_and_made_good() -> None:
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
