"""What the catalogues know, as rows and as the one statement that replaces a table."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from enginedge.backup.catalogue import Found
from enginedge.backup.shapes import DrillReport
from enginedge.backup.tables import backups, drills
from enginedge.backup.weekly import proved as told_as_proved
from enginedge.ops_tables import BACKUPS, DRILLS, TABLES, OpsTable, statement
from tests.backup.test_objectives import NOW, catalogued, proved, taken

HERE = catalogued([taken(30), taken(1)], [proved(0.5)])
NEWEST = "postgres-1"


def test_a_backup_is_a_row_with_its_proof_and_whether_it_is_off_site() -> None:
    one = Found(HERE.manifests, (DrillReport("postgres", NEWEST, NOW, 180, 200, 3),), ())
    rows = [dict(zip(BACKUPS.columns, row, strict=True)) for row in backups(one, catalogued([taken(30)]))]
    assert [each["backup_id"] for each in rows] == ["postgres-30", NEWEST]
    assert [each["is_offsite"] for each in rows] == [True, False]
    assert [each["verified_at"] for each in rows] == [None, NOW]
    assert rows[1]["restore_s"] == 180
    assert rows[1]["taken_at"] == NOW - timedelta(hours=1)
    assert (rows[1]["read_bytes"], rows[1]["stored_bytes"], rows[1]["duration_s"]) == (10**9, 9, 600)


def test_a_second_place_that_does_not_answer_leaves_unknown_what_is_there() -> None:
    rows = [dict(zip(BACKUPS.columns, row, strict=True)) for row in backups(HERE, None)]
    assert {each["is_offsite"] for each in rows} == {None}
    assert len(drills(HERE, None)) == 1


def test_a_drill_is_a_row_of_the_place_that_was_drilled() -> None:
    rows = [dict(zip(DRILLS.columns, row, strict=True)) for row in drills(HERE, catalogued([], [proved(3)]))]
    assert [(each["place"], each["drilled_at"]) for each in rows] == [
        ("primary", NOW - timedelta(days=0.5)),
        ("offsite", NOW - timedelta(days=3)),
    ]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_says_what_it_and_each_of_its_columns_is(table: OpsTable) -> None:
    assert table.description.endswith(".")
    assert all(description.endswith(".") for _, description in table.columns.values())


def test_a_statement_holds_every_row_as_one_json_text_whatever_is_in_it() -> None:
    sql = statement(DRILLS, [["it's", "ü", "primary", NOW, 1.5, 2.0, 3]])
    (told,) = re.findall(r"json_parse\('(.*?)'\) as array", sql)
    assert json.loads(told.replace("''", "'")) == [
        ["it's", "ü", "primary", "2026-11-25T12:00:00.000000+00:00", 1.5, 2.0, 3]
    ]
    assert sql.startswith("create or replace table ops.drills comment 'Every drill")
    assert "drilled_at varchar" in sql
    assert "cast(from_iso8601_timestamp_nanos(drilled_at) as timestamp(6) with time zone) as drilled_at" in sql


def test_the_weekly_word_names_what_was_proved_and_what_was_not() -> None:
    since = NOW - timedelta(hours=13)
    report = DrillReport("postgres", NEWEST, NOW - timedelta(hours=1), 12.34, 20, 65)
    found = Found(HERE.manifests, (proved(3, store="kafka"), report), ())
    message = told_as_proved(found, ["postgres", "kafka", "redis"], since, NOW)
    assert message.subject == "1 of 3 proved restorable, not kafka, redis"
    assert message.text.splitlines() == [
        "postgres: backup postgres-1, 1.0 h old, restored in 12.3 s, 65 parts equal",
        "kafka: NOT PROVED, the last proof is of 2026-11-22",
        "redis: NOT PROVED, it never was",
    ]


def test_the_weekly_word_calls_nothing_proved_by_a_drill_that_is_dated_ahead() -> None:
    found = Found(HERE.manifests, (proved(3), proved(-300)), ())
    message = told_as_proved(found, ["postgres"], NOW - timedelta(hours=13), NOW)
    assert message.subject == "0 of 1 proved restorable, not postgres"


def test_the_weekly_word_of_a_good_week_is_short() -> None:
    assert told_as_proved(HERE, ["postgres"], NOW - timedelta(days=1), NOW).subject == "1 of 1 proved restorable"
