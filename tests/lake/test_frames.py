"""An analyst's data frame has the types that follow from Trino's, also without rows or with only missing values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pandas  # noqa: TID253 - data frames are what is tested
import pytest

from enginedge.lake.frames import frame
from enginedge.trino import QueryResult

CASES = [
    ("tinyint", 1, "Int8"),
    ("integer", 1, "Int32"),
    ("bigint", 2**62 + 1, "Int64"),
    ("double", 0.5, "float64"),
    ("decimal(12, 6)", Decimal("0.5"), "float64"),
    ("boolean", True, "boolean"),
    ("varchar(3)", "é🎉", "str"),
    ("date", date(2026, 11, 23), "datetime64[us]"),
    ("date", date(1, 1, 1), "datetime64[us]"),
    ("timestamp(6) with time zone", datetime(2026, 11, 23, 1, 2, 3, 4, tzinfo=UTC), "datetime64[us, UTC]"),
    ("timestamp(6)", datetime(2026, 11, 23, 1, 2, 3, 4), "datetime64[us, UTC]"),
    ("array(varchar)", ["a"], "object"),
    ("map(varchar, bigint)", {"a": 1}, "object"),
]


def answer(type_: str, *values: object) -> QueryResult:
    return QueryResult([(value,) for value in values], ("x",), (type_,), "q")


@pytest.mark.parametrize(("type_", "value", "dtype"), CASES)
def test_a_columns_type_does_not_depend_on_its_values(type_: str, value: object, dtype: str) -> None:
    for values in ((value,), (value, None), (None,), ()):
        read = frame(answer(type_, *values))
        assert str(read["x"].dtype) == dtype
        assert len(read) == len(values)
        assert list(read["x"].isna()) == [each is None for each in values]


def test_large_integers_beside_missing_values_stay_exact() -> None:
    assert frame(answer("bigint", 2**62 + 1, None))["x"][0] == 2**62 + 1


def test_exact_keeps_decimals_to_the_last_digit() -> None:
    price = Decimal("12345678901234567890.123456")
    assert frame(answer("decimal(38, 6)", price, None), exact=True)["x"][0] == price


def test_instants_are_utc_to_the_microsecond_and_days_are_midnight() -> None:
    instant = datetime(2026, 11, 23, 23, 59, 59, 999_999, tzinfo=UTC)
    assert frame(answer("timestamp(6) with time zone", instant))["x"][0] == pandas.Timestamp(instant)
    assert frame(answer("date", date(2026, 11, 23)))["x"][0] == pandas.Timestamp("2026-11-23")


def test_two_columns_of_one_name_both_stay() -> None:
    read = frame(QueryResult([(1, "a")], ("x", "x"), ("integer", "varchar"), "q"))
    assert list(read.columns) == ["x", "x"]
    assert read.iloc[0].tolist() == [1, "a"]
