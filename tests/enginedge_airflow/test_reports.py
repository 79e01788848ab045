"""The end of a run: the summary is told, and a failure is never hidden behind one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from enginedge.errors import Violated
from enginedge.lake import night
from enginedge.lake.counts import Summary
from enginedge_airflow import reports

ASKED = {"night": "2026-11-23", "sources": ["kafka"], "full_refresh": False}


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
        reports.summarise(ASKED, ending({}, pushed))
    assert pushed["summary"]["night"] == "2026-11-23"
    assert "Trino: http://there" in caplog.text
    assert "http://here/log" in caplog.text


def test_a_run_with_a_failed_task_fails_although_its_summary_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "summary", lambda asked: Summary(asked, (), (), {}))
    pushed: dict[str, Any] = {}
    with pytest.raises(Violated, match=r"sources\.refresh_kafka failed"):
        reports.summarise(ASKED, ending({"sources.refresh_kafka": "failed"}, pushed))
    assert pushed


def test_a_summary_that_cannot_be_given_does_not_hide_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def summary(asked: str) -> Summary:
        raise Violated("a mart lags behind core")

    monkeypatch.setattr(night, "summary", summary)
    with pytest.raises(Violated, match=r"marts\.build_x failed"):
        reports.summarise(ASKED, ending({"marts.build_x": "failed"}, {}))
    with pytest.raises(Violated, match="lags behind"):
        reports.summarise(ASKED, ending({}, {}))


def test_a_refused_request_has_no_night_to_sum_up() -> None:
    with pytest.raises(Violated, match="check_request failed"):
        reports.summarise(None, ending({"check_request": "failed", "reconcile": "upstream_failed"}, {}))
