"""PostgreSQL's backups where a database, a table or a role is not as they mostly are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from enginedge.backup.scratch.postgres import scratch_postgres
from enginedge.backup.sources import postgres_contents as contents
from enginedge.backup.sources.postgres import Server

pytestmark = [pytest.mark.stores]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """An empty server; each test has a database of its own."""
    with scratch_postgres() as found:
        yield found


def run(server: Server, database: str, *statements: str) -> None:
    with server.connected(database) as connection:
        connection.autocommit = True
        for each in statements:
            connection.execute(each)


def test_a_column_may_have_any_name_and_every_other_column_counts(server: Server) -> None:
    run(server, "postgres", "create database named")
    run(server, "named", "create table public.odd (t text, r text, rows text)")
    run(server, "named", "insert into public.odd values ('t', 'r', 'rows')")
    with server.connected("named") as connection:
        before = contents.digest(connection, "public.odd")
        for change in ("t = 'another'", "r = 'another'", "rows = 'another'"):
            connection.execute(f"update public.odd set {change}")  # noqa: S608 - one of the three
            assert contents.digest(connection, "public.odd") != before, change
            connection.rollback()


def test_a_digest_is_what_it_was_in_the_backups_that_there_are(server: Server) -> None:
    """Computed when the whole row was still named by the table's alias alone."""
    run(server, "postgres", "create database before")
    run(
        server,
        "before",
        "create table public.plain (id int, said text, raw bytea, tags text[], gone int)",
        "alter table public.plain drop column gone",
        "insert into public.plain select n, 'l' || n, decode(md5(n::text), 'hex'), array['a', null] "
        "from generate_series(1, 100) n",
        "insert into public.plain default values",
        "create table public.one (said text); insert into public.one values ('a'), ('b c'), (null)",
        "create table public.none (); insert into public.none default values",
    )
    with server.connected("before") as connection:
        assert {table: contents.digest(connection, table) for table in contents.table_names(connection)} == {
            'public."none"': "1 rows, 7d2c297e3b250f936d5da49df3ef5aa1",
            "public.one": "3 rows, 49d7d900357f4042da7c4e1f73312305",
            "public.plain": "101 rows, f14deadbaafab0d22af646a2f50df686",
        }
