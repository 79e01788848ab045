"""From a record's text to the contract's columns: what can't be read is named, never guessed."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from enginedge.lake.contracts import contract
from spark_jobs.engine.parse import RULE, conformed, reason
from spark_jobs.tables.core.mongodb__conversations import JOB
from tests.spark_jobs.lake import conversation

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

AT = "2026-11-20T11:00:00Z"
NIGHT = date(2026, 11, 20)
RAW = """
    record string, record_bytes binary, record_key string, position string,
    changed_at timestamp, _night date, _ingested_at timestamp
"""

BROKEN: list[tuple[str, dict[str, Any] | str, str | None]] = [
    ("a good record", conversation("c", AT), None),
    ("an unknown field", conversation("c", AT, extra=[1, {"a": 2}]), None),
    ("a missing optional field", {k: v for k, v in conversation("c", AT).items() if k != "ended_at"}, None),
    ("a null optional field", conversation("c", AT, ended_at=None), None),
    ("no JSON", "{", "readable:record"),
    ("an empty record", "", "readable:record"),
    ("a JSON array", "[]", "readable:record"),
    ("a JSON text", '"c"', "readable:record"),
    ("single quotes", "{'_id': 'c'}", "readable:record"),
    ("a word for a number", conversation("c", AT, messages="many"), "type:messages"),
    ("a fraction for a whole number", conversation("c", AT, messages=1.5), "type:messages"),
    ("a text for a date", conversation("c", AT, started_at="yesterday"), "type:started_at"),
    ("a date without its wrapping", conversation("c", AT, started_at=AT), "type:started_at"),
    ("a decimal without its wrapping", conversation("c", AT, cost_usd=0.5), "type:cost_usd"),
    ("an infinite decimal", conversation("c", AT, cost_usd={"$numberDecimal": "Infinity"}), "type:cost_usd"),
    ("a missing key", conversation("c", AT, _id=None), "required:conversation_id"),
    ("a missing version", conversation("c", AT, updated_at=None), "required:updated_at"),
    ("a negative number", conversation("c", AT, messages=-1), "between:messages"),
    ("an unknown value", conversation("c", AT, assistant="robot"), "one_of:assistant"),
    (
        "an end before its start",
        conversation("c", AT, ended_at={"$date": "2020-01-01T00:00:00Z"}),
        "not_after:started_at",
    ),
    ("two faults: the first counts", conversation("c", AT, assistant="robot", messages=-1), "one_of:assistant"),
]


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> dict[str, Row]:
    """All of the records judged in one query, by what they are."""
    texts = [(what, record if isinstance(record, str) else json.dumps(record), None) for what, record, _ in BROKEN]
    texts.append(("no UTF-8", json.dumps(conversation("c", AT)), b"\xff"))
    raw = spark.createDataFrame([(text, data, None, what, None, NIGHT, None) for what, text, data in texts], RAW)
    promised = contract(JOB.writes)
    found = conformed(raw, promised, JOB.record_as_json, JOB.transform).selectExpr("*", f"{reason(promised)} AS reason")
    return {row["__position"]: row for row in found.collect()}


@pytest.mark.parametrize(("what", "rule"), [(what, rule) for what, _, rule in BROKEN], ids=[each[0] for each in BROKEN])
def test_a_record_gets_the_first_rule_that_it_breaks(judged: dict[str, Row], what: str, rule: str | None) -> None:
    row = judged[what]
    assert row[RULE] == rule
    assert (row["reason"] is None) == (rule is None)


def test_bytes_that_are_no_text_are_no_record(judged: dict[str, Row]) -> None:
    assert judged["no UTF-8"][RULE] == "readable:record"


def test_a_good_record_is_typed_and_conformed(judged: dict[str, Row]) -> None:
    row = judged["a good record"]
    assert (row["conversation_id"], row["messages"], str(row["cost_usd"])) == ("c", 3, "0.01230000")
    assert (str(row["started_on"]), row["duration_s"], row["is_deleted"]) == ("2026-11-20", 300.5, False)
