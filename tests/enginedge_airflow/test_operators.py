"""The task that runs a source's night: what it skips, what it emits, what it stops."""

from __future__ import annotations

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from enginedge.lake import night, spark
from enginedge.lake.counts import TableCounts
from enginedge_airflow import assets
from enginedge_airflow.operators import RefreshSource
from tests.fakes.night import COUNTS

ASKED = {"night": "2026-11-23", "sources": ["kafka"], "full_refresh": False}


def test_a_source_that_was_not_asked_for_is_skipped_with_the_reason() -> None:
    task = RefreshSource(task_id="refresh_mongodb", source="mongodb", request=ASKED)
    with pytest.raises(AirflowSkipException, match="mongodb is not among the sources asked for"):
        task.execute({})


def test_each_published_table_is_told_with_its_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def refresh_source(source: str, night: str, **rest: Any) -> list[TableCounts]:
        asked.update(source=source, night=night, **rest)
        return [COUNTS]

    monkeypatch.setattr(night, "refresh_source", refresh_source)
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", "")
    monkeypatch.setattr(
        "airflow.providers.openlineage.plugins.macros.lineage_parent_id", lambda ti: f"enginedge/{ti}/1"
    )
    event = SimpleNamespace(extra={})
    task = RefreshSource(task_id="refresh_kafka", source="kafka", request=ASKED)
    context = {"run_id": "manual__1", "ti": "refresh", "outlet_events": {assets.table(COUNTS.table): event}}
    assert task.execute(context) == [asdict(COUNTS)]
    assert event.extra == asdict(COUNTS)
    assert asked == {"source": "kafka", "night": "2026-11-23", "run": "manual__1", "full_refresh": False}


def test_stopping_the_task_stops_its_application(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[bool] = []
    monkeypatch.setattr(spark, "stop", lambda: stopped.append(True))
    RefreshSource(task_id="refresh_kafka", source="kafka", request=ASKED).on_kill()
    assert stopped
