"""What is taken as an event, what is refused and why, and what is left out of it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enginedge.lineage.events import FACET_LIMIT, Refused, read_event
from enginedge.lineage.instants import parsed_instant, written_instant
from enginedge.lineage.project_datasets import told_by
from tests.lineage.conftest import NAMES, recorded
from tests.lineage.events import HIVE, MARKS, body, dataset, event


def refusal(raw: object) -> Refused:
    with pytest.raises(Refused) as caught:
        read_event(raw if isinstance(raw, str | bytes) else json.dumps(raw), NAMES)
    return caught.value


def test_broken_json_is_refused_as_unreadable() -> None:
    for raw in ("{", "[1]", '"x"', b"\xff\xfe", '{"eventTime": NaN}', "[" * 100_000):
        assert refusal(raw).status == 500
        assert refusal(raw).body["code"] == 400


def test_an_empty_body_is_refused_as_missing() -> None:
    for raw in ("", "null", b"  \n"):
        assert refusal(raw).body == {"errors": ["The request body must not be null"]}


def test_a_namespace_with_a_blank_is_refused_before_it_is_stored() -> None:
    linked = dataset("core.x", symlinks={**MARKS, "identifiers": [{"namespace": "a b", "name": "x", "type": "TABLE"}]})
    for inputs in ([dataset("x", namespace="s3 bucket")], [linked]):
        assert refusal(body(inputs=inputs)).status == 422


def test_a_wrong_type_is_refused_and_says_where() -> None:
    wrong = body() | {"inputs": {"namespace": "x"}}
    assert "inputs" in refusal(wrong).body["message"]


def test_a_nul_in_a_facet_is_replaced_and_in_a_name_refused() -> None:
    kept = event("FAIL", facets={"errorMessage": {**MARKS, "message": "a\0b"}})
    assert kept.body["run"]["facets"]["errorMessage"]["message"] == "a\ufffdb"
    assert refusal(body(job="a\0b")).status == 422
    assert refusal(body(inputs=[dataset("a\0b")])).status == 422


def test_half_a_surrogate_pair_is_replaced() -> None:
    raw = json.dumps(body("FAIL", facets={"errorMessage": {**MARKS, "message": "MARK"}})).replace("MARK", "\\ud800!")
    kept = read_event(raw, NAMES)
    kept.body["run"]["facets"]["errorMessage"]["message"].encode()


def test_trinos_plans_and_statistics_are_left_out_and_the_rest_is_kept() -> None:
    for recording in recorded("ol-trino-http.ndjson"):
        before = len(json.dumps(recording))
        kept = read_event(json.dumps(recording), NAMES)
        assert len(json.dumps(kept.body)) < before / 5
        assert kept.body["outputs"][0]["facets"]["columnLineage"]["fields"]


def test_a_huge_facet_is_marked_as_left_out_and_a_huge_statement_is_kept() -> None:
    blob = {**MARKS, "text": "x" * (FACET_LIMIT + 1)}
    assert set(event(facets={"blob": blob}).body["run"]["facets"]["blob"]) == {"_trimmed"}
    raw = body()
    raw["job"]["facets"] = {"sql": {**MARKS, "query": "x" * (FACET_LIMIT + 1)}}
    assert "query" in read_event(json.dumps(raw), NAMES).body["job"]["facets"]["sql"]


def test_what_was_typed_into_the_form_of_a_run_is_left_out() -> None:
    told = {**MARKS, "dagRun": {"dag_id": "refresh_lake", "conf": {"passwrod": "s3cret"}}}
    kept = event(facets={"airflowDagRun": told, "airflow": told}).body["run"]["facets"]
    assert kept["airflowDagRun"]["dagRun"] == kept["airflow"]["dagRun"] == {"dag_id": "refresh_lake"}


def test_a_trino_query_that_only_reads_is_not_worth_keeping() -> None:
    reads = {"trino_query_context": {**MARKS, "query_type": "SELECT"}}
    assert not event("START", facets=reads).is_worth_keeping
    assert event("COMPLETE", facets=reads, outputs=[dataset("core.x")]).is_worth_keeping
    assert event("START").is_worth_keeping


def test_spark_s_topics_of_one_read_are_datasets_of_their_own() -> None:
    read = event(inputs=[dataset("events.resume,events.news", namespace="kafka://127.0.0.1:9092")])
    assert [item["name"] for item in read.body["inputs"]] == ["events.resume", "events.news"]


def test_the_sources_of_columns_get_the_same_names_as_their_datasets() -> None:
    merge = recorded("ol-spark-http.ndjson")[4]
    output = read_event(json.dumps(merge), NAMES).body["outputs"][0]
    assert (output["namespace"], output["name"]) == ("hive://127.0.0.1:15083", "gold.rev")
    sources = [
        each for column in output["facets"]["columnLineage"]["fields"].values() for each in column["inputFields"]
    ]
    assert {(each["namespace"], each["name"]) for each in sources} == {("hive://127.0.0.1:15083", "silver.orders2")}


def test_the_name_that_the_producer_used_is_kept_as_a_symlink() -> None:
    read = event(inputs=[dataset("core/x", namespace="s3a://lake")]).body["inputs"][0]
    assert (read["namespace"], read["name"]) == (HIVE, "core.x")
    assert [link["name"] for link in read["facets"]["symlinks"]["identifiers"]] == ["core/x"]


@pytest.mark.parametrize(
    "address",
    [
        "postgres://bob:s3cret@db:5432",
        "postgres://bob:s3cret@s3cret@db:5432",
        "jdbc:pg://db/x?user=bob&password=s3cret",
    ],
)
def test_a_login_is_nowhere_in_what_is_stored(address: str) -> None:
    source = {**MARKS, "name": address, "uri": f"{address}/x"}
    wanted = body(facets={"errorMessage": {**MARKS, "message": f"no answer from {address}", "stackTrace": address}})
    wanted["inputs"] = [dataset("public.x", namespace=address.partition("?")[0], dataSource=source)]
    read = read_event(json.dumps(wanted).replace("/", "\\/"), NAMES)
    assert "s3cret" not in json.dumps(read.body) + str(read.aliases)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    "eventTime",
    "eventType",
    "run",
    "job",
    "inputs",
    "outputs",
    "run.facets",
    "run.facets.parent",
    "run.facets.parent.job",
    "run.facets.parent.root",
    "run.facets.trino_query_context",
    "run.facets.nominalTime",
    "job.name",
    "job.facets",
    "job.facets.sql",
    "job.facets.jobType",
    "job.facets.jobType.integration",
    "job.facets.documentation",
    "inputs.0",
    "inputs.0.name",
    "inputs.0.facets",
    "inputs.0.facets.schema",
    "inputs.0.facets.schema.fields",
    "outputs.0.facets.columnLineage",
    "outputs.0.facets.columnLineage.fields",
    "outputs.0.facets.columnLineage.fields.a",
    "outputs.0.outputFacets",
    "outputs.0.facets.dataSource",
    "outputs.0.facets.symlinks",
    "outputs.0.facets.symlinks.identifiers.0.namespace",
    "outputs.0.facets.columnLineage.fields.a.inputFields.0",
    "outputs.0.facets.columnLineage.dataset",
    "schemaURL",
]


LINKS = {**MARKS, "identifiers": [{"namespace": HIVE, "name": "core.y", "type": "TABLE"}]}


@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_in_an_event_it_is_read_or_refused_never_a_crash(place: str, value: object) -> None:
    parent = {"parent": {**MARKS, "run": {"runId": "x"}, "job": {"namespace": "n", "name": "p"}}}
    whole: Any = body(
        facets=parent,
        inputs=[dataset("raw.x", "a")],
        outputs=[dataset("core.x", "a", lineage={"a": [(HIVE, "raw.x", "a")]}, symlinks=LINKS)],
        integration="SPARK",
    )
    at, (*way, last) = whole, place.split(".")
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    at[int(last) if last.isdigit() else last] = value
    with suppress(Refused):
        read = read_event(json.dumps(whole), NAMES)
        assert read.is_worth_keeping in (True, False)
        told_by(read)


@given(st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC)))
def test_an_instant_survives_being_written_and_read(instant: datetime) -> None:
    assert parsed_instant(written_instant(instant)) == instant


def test_instants_are_written_with_as_few_digits_as_hold_them() -> None:
    for text in ("2026-11-24T09:00:00Z", "2026-11-24T09:00:00.120Z", "2026-11-24T09:00:00.120001Z"):
        assert written_instant(parsed_instant(text)) == text
    assert written_instant(parsed_instant("2026-11-24T09:00+01:00")) == "2026-11-24T08:00:00Z"
    assert written_instant(parsed_instant(1764000000)) == "2025-11-24T16:00:00Z"
    assert written_instant(None) is None


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-24", "2026-11-24 09:00:00Z", "2026-11-24T09:00:00+0100", True, None]
)
def test_what_is_no_instant_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="could not be parsed"):
        parsed_instant(text)
