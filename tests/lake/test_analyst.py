"""An analyst's frames, read through the real Trino from a table that this test makes and drops again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from enginedge import lake, trino
from enginedge.errors import Misconfigured, Unavailable

pytestmark = pytest.mark.stack


def ask(statement: str) -> trino.QueryResult:
    return trino.query(statement, user="dbt", source="tests")


@pytest.fixture(scope="module")
def orders(running_stack: None) -> Iterator[str]:
    name = f"mart.test__orders_{uuid.uuid4().hex[:8]}"
    ask("create schema if not exists mart with (location = 's3://lake/mart')")
    ask(
        f"create table {name} (order_id bigint, placed_on date, placed_at timestamp(6) with time zone,"
        " price decimal(20, 6), buyer varchar comment 'Who bought it.')"
    )
    ask(
        f"insert into {name} values (9007199254740993, date '2026-11-23', timestamp '2026-11-23 23:59:59.999999 UTC',"  # noqa: S608
        " decimal '0.1', 'Zoë'), (null, null, null, null, null), (3, date '2026-11-22', null, decimal '2.5', 'O''Neil')"
    )
    yield name
    ask(f"drop table {name}")


def test_a_frame_has_every_row_in_the_types_of_its_columns(orders: str) -> None:
    read = lake.table(orders)
    assert {column: str(read[column].dtype) for column in read} == {
        "order_id": "Int64",
        "placed_on": "datetime64[us]",
        "placed_at": "datetime64[us, UTC]",
        "price": "float64",
        "buyer": "str",
    }
    assert len(read) == 3
    assert 9007199254740993 in set(read["order_id"].dropna())


def test_a_frame_carries_what_trino_says_of_its_columns_and_when_it_was_published(orders: str) -> None:
    read = lake.table(orders)
    assert read.attrs["columns"]["buyer"] == "Who bought it."
    assert abs(datetime.now(UTC) - read.attrs["published_at"]).total_seconds() < 600
    schema, _, name = orders.partition(".")
    snapshot = ask(f"""select snapshot_id from {schema}."{name}$refs" where name = 'main'""").rows[0][0]  # noqa: S608
    assert read.attrs["snapshot_id"] == snapshot


def test_a_condition_takes_its_values_apart_from_its_text(orders: str) -> None:
    read = lake.table(
        orders, columns=["buyer"], where="buyer = ? or placed_on = ?", parameters=["O'Neil", date(2026, 11, 23)]
    )
    assert sorted(read["buyer"]) == ["O'Neil", "Zoë"]


def test_exact_prices_stay_decimals(orders: str) -> None:
    assert Decimal("0.100000") in set(lake.table(orders, exact=True)["price"].dropna())


def test_a_table_longer_than_the_limit_is_cut_with_a_warning(orders: str) -> None:
    with pytest.warns(UserWarning, match="more than 2 rows"):
        assert len(lake.table(orders, limit=2)) == 2
    assert len(lake.table(orders, limit=3)) == 3


def test_an_unknown_table_or_column_names_the_nearest(orders: str) -> None:
    with pytest.raises(Misconfigured, match=f"the nearest: .*{orders}"):
        lake.table(orders + "s")
    with pytest.raises(Misconfigured, match=r"'prize'.*the nearest: price"):
        lake.table(orders, columns=["prize"])


def test_every_readable_table_is_listed(orders: str) -> None:
    listed = lake.tables().set_index("table")
    assert listed.loc[orders, "published_at"] == lake.table(orders).attrs["published_at"]


@pytest.mark.parametrize("change", ["delete from {}", "drop table {}", "insert into {} (order_id) values 1"])
def test_an_analyst_changes_nothing(orders: str, change: str) -> None:
    with pytest.raises(Misconfigured, match="PERMISSION_DENIED"):
        lake.query(change.format(orders))


def test_a_stopped_trino_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_TRINO", "1")
    with pytest.raises(Unavailable, match=r"trino at .*make status"):
        lake.table("mart.interviews__daily_funnel")
