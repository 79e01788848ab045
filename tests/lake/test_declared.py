"""What the repository declares of the lake, read cheaply enough for a DAG's import."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from enginedge.errors import Misconfigured
from enginedge.lake import declared


def test_every_core_table_belongs_to_exactly_one_source() -> None:
    owned = [table for source in declared.SOURCES for table in declared.tables_of(source)]
    assert sorted(owned) == sorted(declared.core_tables())
    assert all(declared.tables_of(source) for source in declared.SOURCES)


def test_a_mart_reads_only_core_tables_that_have_a_contract() -> None:
    for mart in declared.marts():
        assert mart.reads
        assert set(mart.reads) <= set(declared.core_tables())


def test_a_mart_names_a_measure_and_the_core_total_that_it_equals() -> None:
    for mart in declared.marts():
        assert mart.measure.startswith("sum(")
        assert "{core}." in mart.equals
        assert any(mart.equals.count(f"{{core}}.{table.removeprefix('core.')}") for table in mart.reads)


def test_every_mart_and_each_of_its_columns_is_described_in_words() -> None:
    for mart in declared.marts():
        assert mart.description.endswith(".")
        assert mart.columns
        assert all(description.endswith(".") for description in mart.columns.values())


def test_an_unknown_mart_is_refused_with_the_ones_that_there_are() -> None:
    with pytest.raises(Misconfigured, match=r"no mart 'mart\.nothing'.*mart\.interviews__daily_funnel"):
        declared.mart("mart.nothing")


def test_the_declared_lists_are_read_within_a_dags_twenty_milliseconds() -> None:
    """The best of five, since the machine is shared; opening a contract would take a hundred times as long."""
    taken = []
    for _ in range(5):
        declared.marts.cache_clear()
        declared.core_tables.cache_clear()
        start = time.perf_counter()
        declared.marts()
        declared.core_tables()
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.02


@pytest.mark.parametrize(
    "text", ["", "models:", "models: 5", "- a", "models: [", "models: [5]", "models: [{a: 1}]", "\0"]
)
def test_a_file_of_models_that_declares_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "marts.yml").write_text(text)
    monkeypatch.setattr(declared, "project", lambda: tmp_path)
    with pytest.raises(Misconfigured, match=r"marts\.yml"):
        declared.marts.__wrapped__()
