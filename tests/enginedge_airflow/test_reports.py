"""The end of a run: the summary is told, and a failure is never hidden behind one."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from enginedge.errors import Unavailable, Violated
from enginedge.lake import night
from enginedge.lake.counts import MartTotal, Summary
from enginedge.lineage import here
from enginedge_airflow import reports

ASKED = {"night": "2026-11-23", "sources": ["kafka"], "full_refresh": False}
BEGAN = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
LAST_WORDS = here.last_words


@pytest.fixture(autouse=True)
def lineage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "last_words", lambda since: f"lineage: complete since {since:%H:%M}")


def ending(states: dict[str, str], pushed: dict[str, Any]) -> Any:
    return SimpleNamespace(
        dag_id="refresh_lake",
        run_id="manual__1",
        task_id="summarise",
        log_url="http://here/log",
        get_task_states=lambda **asked: {asked["run_ids"][0]: states},
        xcom_push=pushed.__setitem__,
    )


def test_a_good_night_ends_with_its_summary_in_the_log_and_in_an_xcom(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(night, "summary", lambda asked: Summary(asked, (), (), {"Trino": "http://there"}))
    pushed: dict[str, Any] = {}
    with caplog.at_level("INFO"):
        reports.summarise(ASKED, None, ending({}, pushed), BEGAN)
    assert pushed["summary"]["night"] == "2026-11-23"
    assert "Trino: http://there" in caplog.text
    assert "http://here/log" in caplog.text


def test_the_last_line_is_the_lineages_and_a_database_that_does_not_answer_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(night, "summary", lambda asked: Summary(asked, (), (), {}))
    with caplog.at_level("INFO"):
        reports.summarise(ASKED, None, ending({}, {}), BEGAN)
    assert caplog.messages[-1] == "lineage: complete since 02:00"

    def silent(since: datetime) -> Any:
        raise Unavailable("PostgreSQL does not answer")

    monkeypatch.setattr(here, "last_words", LAST_WORDS)
    monkeypatch.setattr(here, "reconcile_here", silent)
    with caplog.at_level("INFO"):
        reports.summarise(ASKED, None, ending({}, {}), BEGAN)
    assert caplog.messages[-1] == "lineage: not known, PostgreSQL does not answer"


def test_what_was_reconciled_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    night_and_links = Summary("2026-11-23", (), (MartTotal("mart.x", 3, "4"),), {"Trino": "http://there"})
    monkeypatch.setattr(night, "reconcile", lambda *_: night_and_links)
    monkeypatch.delattr(night, "summary")
    pushed: dict[str, Any] = {}
    reports.summarise(ASKED, reports.reconcile(ASKED), ending({}, pushed), BEGAN)
    assert pushed["summary"]["marts"] == [{"mart": "mart.x", "rows": 3, "measure": "4"}]


def test_a_run_with_a_failed_task_fails_although_its_summary_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "summary", lambda asked: Summary(asked, (), (), {}))
    pushed: dict[str, Any] = {}
    with pytest.raises(Violated, match=r"sources\.refresh_kafka failed"):
        reports.summarise(ASKED, None, ending({"sources.refresh_kafka": "failed"}, pushed), BEGAN)
    assert pushed


def test_a_summary_that_cannot_be_given_does_not_hide_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def summary(asked: str) -> Summary:
        raise Violated("a mart lags behind core")

    monkeypatch.setattr(night, "summary", summary)
    with pytest.raises(Violated, match=r"marts\.build_x failed"):
        reports.summarise(ASKED, None, ending({"marts.build_x": "failed"}, {}), BEGAN)
    with pytest.raises(Violated, match="lags behind"):
        reports.summarise(ASKED, None, ending({}, {}), BEGAN)


def test_a_refused_request_has_no_night_to_sum_up() -> None:
    with pytest.raises(Violated, match="check_request failed"):
        reports.summarise(None, None, ending({"check_request": "failed", "reconcile": "upstream_failed"}, {}), BEGAN)
