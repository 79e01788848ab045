"""The summary of a night: what a reader finds in it, and that it can be handed on as plain values."""

from __future__ import annotations

import json
from dataclasses import replace

from enginedge.lake.counts import Summary, TableCounts
from tests.fakes.night import COUNTS, SUMMARY


def test_a_reader_finds_every_number_of_a_table_on_one_line() -> None:
    title, head, line, *_ = str(SUMMARY).splitlines()
    assert title == "night 2026-11-23"
    assert dict(zip(head.split()[1:], line.split()[1:], strict=True)) == {
        "in": "12,345",
        "accepted": "11,000",
        "quarantined": "345",
        "duplicate": "700",
        "superseded": "300",
        "seconds": "31.7",
        "snapshot": "4242424242424242",
    }


def test_a_row_that_went_nowhere_is_noticed() -> None:
    assert COUNTS.reconciles
    assert not replace(COUNTS, raw=12346).reconciles
    assert not replace(COUNTS, updated=999).reconciles


def test_the_plain_values_are_what_json_gives_back() -> None:
    plain = SUMMARY.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert TableCounts.from_facts(plain["tables"][0]) == COUNTS
    assert Summary.from_dict(plain) == SUMMARY


def test_what_else_a_snapshot_says_is_left_out() -> None:
    assert TableCounts.from_facts({**SUMMARY.as_dict()["tables"][0], "operation": "append"}) == COUNTS
