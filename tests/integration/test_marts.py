"""Marts on the real Trino: built beside, tested, and swapped in so that a reader never sees a wrong or a missing one.

The core tables here are a few rows written by this file into schemas of its own, so that each expected number can be
counted by hand and no other test's tables are touched.
"""

# ruff: noqa: S608 - every statement is built from names in this file

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from enginedge import trino
from enginedge.errors import Misconfigured, Violated
from enginedge.lake import declared, marts
from enginedge.lake.run import MARTS_AT_ONCE
from enginedge.settings import settings
from enginedge.table_digest import digest

pytestmark = pytest.mark.stack

SCHEMAS = marts.Schemas(core="marts_test_core", beside="marts_test_next", published="marts_test")
USAGE = "mart.assistant__daily_usage"
FUNNEL = "mart.interviews__daily_funnel"
THROUGHPUT = "mart.services__daily_throughput"
TOPICS = "mart.news__daily_topics"
RUNS = "mart.pipelines__daily_runs"
NIGHT = "2026-11-23"
PAUSE_S = 0.2  # between two answers, so that the reader leaves the engines a core

CORE = {
    "mongodb__interviews": """
        select * from (values
            ('i-1', 'u-1', 'applied', date '2026-11-20', cast(null as double), false),
            ('i-2', 'u-1', 'applied', date '2026-11-20', cast(null as double), false),
            ('i-3', 'u-2', 'onsite', date '2026-11-20', 70e0, false),
            ('i-4', 'u-3', 'hired', date '2026-11-20', 90e0, false),
            ('i-5', 'u-3', 'rejected', date '2026-11-21', 10e0, false),
            ('i-6', 'u-3', 'hired', date '2026-11-21', 99e0, true)
        ) as t (interview_id, user_id, stage, stage_changed_on, score, is_deleted)""",
    "mongodb__conversations": """
        select * from (values
            ('c-1', 'u-1', 'coach', 'large', date '2026-11-20', bigint '4', bigint '100', bigint '50',
             cast(0.10000001 as decimal(18, 8)), false),
            ('c-2', 'u-2', 'coach', 'large', date '2026-11-20', bigint '6', bigint '200', bigint '70',
             cast(0.20000002 as decimal(18, 8)), false),
            ('c-3', 'u-2', 'coach', 'small', date '2026-11-20', bigint '1', bigint '10', bigint '5', null, true)
        ) as t (conversation_id, user_id, assistant, model, started_on, messages, prompt_tokens, completion_tokens,
                cost_usd, is_deleted)""",
    "kafka__service_events": """
        select 'e-' || cast(n as varchar) as event_id, 'search' as worker,
               if(n % 10 = 0, 'timeout', if(n % 10 = 1, 'error', 'ok')) as outcome,
               date '2026-11-20' as occurred_on, n / 1000e0 as duration_s, (n % 7) / 1000e0 as queue_s,
               if(n % 4 = 0, 2, 1) as attempt, bigint '10' as payload_bytes
        from unnest(sequence(1, 100)) as t (n)""",
    "bucket__news_articles": """
        select * from (values
            ('a-1', 'hiring', 'de', 'Blatt', 0.1e0, date '2026-11-20'),
            ('a-2', 'hiring', 'de', 'Blatt', 0.2e0, date '2026-11-20'),
            ('a-3', 'hiring', cast(null as varchar), 'Paper', -1e0, date '2026-11-20')
        ) as t (article_id, topic, language, source_name, sentiment, published_on)""",
    "airflow__dag_runs": """
        select * from (values
            ('refresh_lake', 'r-1', 'success', date '2026-11-20', 10.5e0),
            ('refresh_lake', 'r-2', 'success', date '2026-11-20', 20.5e0),
            ('refresh_lake', 'r-3', 'running', date '2026-11-20', cast(null as double))
        ) as t (dag_id, run_id, state, due_on, duration_s)""",
    "airflow__task_instances": """
        select * from (values
            ('refresh_lake', 'r-1', 'check_request', 'success'),
            ('refresh_lake', 'r-1', 'reconcile', 'failed')
        ) as t (dag_id, run_id, task_id, state)""",
}


@pytest.fixture(scope="module")
def published(running_stack: None) -> Iterator[dict[str, marts.Published]]:
    """Core tables of a few rows, and every mart built on them and published; all of it is dropped again."""
    _drop()
    trino.query(f"create schema {SCHEMAS.core} with (location = 's3://lake/{SCHEMAS.core}')")
    for table, rows in CORE.items():
        trino.query(f"create table {SCHEMAS.core}.{table} as {rows}")
    names = [mart.name for mart in declared.marts()]
    with ThreadPoolExecutor(MARTS_AT_ONCE) as pool:
        refreshed = dict(zip(names, pool.map(_refresh, names), strict=True))
    yield refreshed
    _drop()


def _drop() -> None:
    for schema in (SCHEMAS.core, SCHEMAS.beside, SCHEMAS.published):
        trino.query(f"drop schema if exists {schema} cascade")


def _build(name: str) -> marts.Built:
    return marts.build_mart(name, NIGHT, "test", SCHEMAS)


def _refresh(name: str) -> marts.Published:
    _build(name)
    return marts.publish_mart(name, SCHEMAS)


def _rows(name: str, columns: str, order: str = "1") -> list[tuple[object, ...]]:
    return trino.query(f"select {columns} from {SCHEMAS.published}.{declared.mart(name).model} order by {order}").rows


Marts = dict[str, marts.Published]


def test_the_funnel_counts_who_came_how_far(published: Marts) -> None:
    assert published[FUNNEL].measure == "5", "the sixth interview is deleted"
    columns = "stage, interviews, users, interviews_this_far, conversion_share"
    assert _rows(FUNNEL, columns, "entered_on, stage_position")[:8] == [
        ("applied", 2, 1, 4, None),
        ("screening", 0, 0, 2, Decimal("0.500000")),
        ("technical", 0, 0, 2, Decimal("1.000000")),
        ("onsite", 1, 1, 2, Decimal("1.000000")),
        ("offer", 0, 0, 1, Decimal("0.500000")),
        ("hired", 1, 1, 1, Decimal("1.000000")),
        ("rejected", 0, 0, None, None),
        ("withdrawn", 0, 0, None, None),
    ]


def test_throughput_has_exact_percentiles(published: Marts) -> None:
    counts = "events, events_ok, events_error, events_timeout, failure_share"
    assert _rows(THROUGHPUT, f"{counts}, duration_p50_s, duration_p95_s, duration_p99_s") == [
        (100, 80, 10, 10, Decimal("0.200000"), Decimal("0.050"), Decimal("0.095"), Decimal("0.099"))
    ]


def test_costs_are_exact_to_the_last_digit(published: Marts) -> None:
    assert _rows(USAGE, "model, conversations, users, messages, cost_usd") == [
        ("large", 2, 2, 10, Decimal("0.30000003"))
    ]


def test_articles_without_a_language_are_counted_too(published: Marts) -> None:
    assert published[TOPICS].measure == "3"
    assert _rows(TOPICS, "language, articles, sentiment_mean", "1 nulls last") == [
        ("de", 2, Decimal("0.150000")),
        (None, 1, Decimal("-1.000000")),
    ]


def test_runs_that_have_not_ended_have_no_duration(published: Marts) -> None:
    columns = "state, runs, task_instances, task_instances_failed, duration_mean_s, duration_p95_s"
    assert _rows(RUNS, columns) == [
        ("running", 1, 0, 0, None, None),
        ("success", 2, 2, 1, Decimal("15.500"), Decimal("20.500")),
    ]


def test_a_published_mart_carries_the_meaning_of_each_of_its_columns(published: Marts) -> None:
    for mart in declared.marts():
        shown = trino.query(f"show columns from {SCHEMAS.published}.{mart.model}").rows
        assert {str(row[0]): str(row[3]) for row in shown} == dict(mart.columns)


def test_the_declared_columns_stand_in_the_order_of_the_table(published: Marts) -> None:
    for mart in declared.marts():
        shown = trino.query(f"show columns from {SCHEMAS.beside}.{mart.model}").rows
        assert [row[0] for row in shown] == list(mart.columns)


def test_a_mart_that_is_dropped_with_all_of_its_state_comes_back_the_same(published: Marts) -> None:
    for schema in (SCHEMAS.beside, SCHEMAS.published):
        trino.query(f"drop table {schema}.{declared.mart(FUNNEL).model}")
    shutil.rmtree(settings().state / "dbt" / SCHEMAS.beside / declared.mart(FUNNEL).model)
    assert _refresh(FUNNEL).digest == published[FUNNEL].digest


def test_trino_shows_the_mart_behind_each_query(published: Marts) -> None:
    built, swapped = _build(TOPICS), marts.publish_mart(TOPICS, SCHEMAS)
    history = {
        str(row[0]): (str(row[1]), str(row[2]))
        for row in trino.query("select query_id, source, query from system.runtime.queries", user="admin").rows
    }
    assert [history[query][0] for query in swapped.query_ids] == [TOPICS]
    assert built.query_ids
    assert any("model.enginedge_marts.news__daily_topics" in history[query][1] for query in built.query_ids)


def test_a_mart_that_lost_rows_is_not_published_and_both_numbers_are_told(published: Marts) -> None:
    _build(TOPICS)
    articles = f"{SCHEMAS.core}.bucket__news_articles"
    before = digest(f"{SCHEMAS.published}.news__daily_topics")
    trino.query(f"insert into {articles} values ('a-9', 'hiring', 'de', 'Blatt', 0.3e0, date '2026-11-20')")
    try:
        with pytest.raises(Violated, match=r"sum\(articles\) is 3, but core says 4"):
            marts.publish_mart(TOPICS, SCHEMAS)
        with pytest.raises(Violated, match=r"sum\(articles\) is 3, but core says 4"):
            marts.check_measure(TOPICS, SCHEMAS)
        assert digest(f"{SCHEMAS.published}.news__daily_topics") == before
    finally:
        trino.query(f"delete from {articles} where article_id = 'a-9'")


def test_a_failing_test_names_the_model_the_test_and_the_rows(published: Marts) -> None:
    interviews = f"{SCHEMAS.core}.mongodb__interviews"
    before = digest(f"{SCHEMAS.published}.interviews__daily_funnel")
    trino.query(f"update {interviews} set stage = 'daydreaming' where interview_id = 'i-1'")
    try:
        with pytest.raises(Violated, match=r"the model interviews__daily_funnel.*measure_equals_core.* finds 1 row"):
            _build(FUNNEL)
        with pytest.raises(Violated, match="has not passed its tests"):
            marts.publish_mart(FUNNEL, SCHEMAS)
        assert digest(f"{SCHEMAS.published}.interviews__daily_funnel") == before
    finally:
        trino.query(f"update {interviews} set stage = 'applied' where interview_id = 'i-1'")


def test_a_build_that_was_changed_after_its_test_is_not_published(published: Marts) -> None:
    _build(RUNS)
    trino.query(f"delete from {SCHEMAS.beside}.pipelines__daily_runs where state = 'running'")
    with pytest.raises(Violated, match="has not passed its tests"):
        marts.publish_mart(RUNS, SCHEMAS)


def test_an_empty_core_makes_an_empty_mart_whose_measure_is_nought(published: Marts) -> None:
    empty = marts.Schemas("marts_test_empty", SCHEMAS.beside, "marts_test_empty")
    trino.query("create schema marts_test_empty with (location = 's3://lake/marts_test_empty')")
    try:
        for table in ("airflow__dag_runs", "airflow__task_instances"):
            trino.query(f"create table marts_test_empty.{table} as select * from {SCHEMAS.core}.{table} with no data")
        marts.build_mart(RUNS, NIGHT, "test", empty)
        assert (marts.publish_mart(RUNS, empty).rows, marts.check_measure(RUNS, empty)) == (0, "0")
    finally:
        trino.query("drop schema marts_test_empty cascade")


def test_a_missing_core_table_is_named(published: Marts) -> None:
    with pytest.raises(Misconfigured, match=r"the model news__daily_topics.*Schema 'nowhere' does not exist"):
        marts.build_mart(TOPICS, NIGHT, "test", marts.Schemas("nowhere", "marts_test_next", "marts_test"))


def test_a_digest_sees_values_that_two_rows_exchanged_and_not_the_order_of_the_rows(published: Marts) -> None:
    one, other, altered = (f"{SCHEMAS.core}.digest_{name}" for name in ("one", "other", "altered"))
    rest = "timestamp '2026-11-20 01:02:03 UTC', 1.5, x'00ff'"
    contents = {
        one: f"(1, 'a', {rest}), (2, null, {rest})",
        other: f"(2, null, {rest}), (1, 'a', {rest})",
        altered: f"(1, null, {rest}), (2, 'a', {rest})",
    }
    for table, values in contents.items():
        trino.query(f"create or replace table {table} as select * from (values {values}) as t (n, s, at, d, b)")
    assert digest(one) == digest(other)
    assert digest(one) != digest(altered)


def test_a_reader_sees_the_old_mart_or_the_new_one_and_never_none(published: Marts) -> None:
    """Two contents, published in turn while a reader polls: each answer is one of the two, and none is an error."""
    answers: list[object] = []
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            try:
                answers.append(_rows(USAGE, "conversations, messages")[0])
            except Exception as error:  # noqa: BLE001 - whatever a reader would see is what is judged
                answers.append(error)
                return
            done.wait(PAUSE_S)

    reader = threading.Thread(target=poll)
    reader.start()
    conversations = f"{SCHEMAS.core}.mongodb__conversations"
    try:
        for is_deleted in ("true", "false"):
            trino.query(f"update {conversations} set is_deleted = {is_deleted} where conversation_id = 'c-2'")
            _refresh(USAGE)
    finally:
        done.set()
        reader.join(timeout=60)
    assert set(answers) == {(2, 10), (1, 4)}
    assert len(answers) > 10
