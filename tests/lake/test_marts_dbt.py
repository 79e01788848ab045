"""What dbt says, told in our words: which failure is whose, and whether trying again can help."""

from __future__ import annotations

from pathlib import Path

import pytest

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.lake import marts_dbt
from enginedge.lake.marts_dbt import Result, judge, run_dbt
from enginedge.settings import settings

BUILT = Result("model", "news__daily_topics", "success", "", 0, "q1")
PASSED = Result("test", "not_null", "pass", "", 0, "q2")


def wrong(message: str) -> Result:
    return Result("model", "news__daily_topics", "error", message, 0, "")


def test_a_model_that_was_built_and_passed_is_not_complained_of() -> None:
    judge("news__daily_topics", [BUILT, PASSED])


def test_a_failing_test_is_a_broken_promise_that_names_test_and_rows() -> None:
    with pytest.raises(Violated) as raised:
        judge("news__daily_topics", [BUILT, Result("test", "unique_rows", "fail", "Got 3 results", 3, "")])
    assert "the model news__daily_topics: the test unique_rows finds 3 row(s) at fault" in str(raised.value)
    assert "Not touched: the published mart.news__daily_topics" in str(raised.value)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("TrinoUserError(type=USER_ERROR, name=COLUMN_NOT_FOUND, message=no such column)", Misconfigured),
        ("Compilation Error: 'percentle' is undefined", Misconfigured),
        ("TrinoExternalError(type=EXTERNAL, name=HIVE_METASTORE_ERROR, message=refused)", Unavailable),
        ("TrinoQueryError(type=INSUFFICIENT_RESOURCES, name=EXCEEDED_LOCAL_MEMORY_LIMIT)", Unavailable),
        ("TrinoQueryError(type=INTERNAL_ERROR, name=GENERIC_INTERNAL_ERROR)", Unavailable),
        ("HTTPConnectionPool(host='127.0.0.1', port=8090): Max retries exceeded with url: /v1/statement", Unavailable),
    ],
)
def test_only_a_fault_that_may_pass_is_worth_another_try(message: str, kind: type[EnginEdgeError]) -> None:
    with pytest.raises(kind, match="the model news__daily_topics"):
        judge("news__daily_topics", [wrong(message)])


def test_an_error_outweighs_a_failing_test() -> None:
    with pytest.raises(Misconfigured):
        judge("news__daily_topics", [wrong("broken SQL"), Result("test", "unique_rows", "fail", "", 1, "")])


def test_results_that_were_not_written_to_their_end_are_worth_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dbt" / "mart_next" / "news__daily_topics"
    folder.mkdir(parents=True)
    monkeypatch.setenv("ENGINEDGE_STATE", str(tmp_path))
    monkeypatch.setattr(
        marts_dbt, "_DBT", f"open({str(folder / 'run_results.json')!r}, 'w').write('{{\"results\": [{{\"un')"
    )
    settings.cache_clear()
    with pytest.raises(Unavailable, match="the model news__daily_topics: it was ended while it wrote"):
        run_dbt("news__daily_topics", "core", "mart_next")
    settings.cache_clear()


def test_a_model_that_dbt_does_not_know_is_not_a_success() -> None:
    with pytest.raises(Misconfigured, match="dbt built no model 'nothing'"):
        judge("nothing", [])
