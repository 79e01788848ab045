"""PostgreSQL's backups where a database, a table or a role is not as they mostly are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from enginedge.backup import foretelling, restoring
from enginedge.backup.catalogue import catalogue
from enginedge.backup.night import back_up
from enginedge.backup.repository import repository
from enginedge.backup.scratch.postgres import scratch_postgres
from enginedge.backup.sources import postgres_contents as contents
from enginedge.backup.sources.postgres import Postgres, Server
from enginedge.errors import Misconfigured, Violated
from enginedge.private_files import write_private
from tests.backup.places import NAME, Place, asked, each_place

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("running_stores")]


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


def databases(server: Server) -> list[str]:
    with server.connected("postgres") as connection:
        return contents.databases(connection)


@each_place("postgres")
def test_a_database_that_allows_no_connections_is_no_part_of_a_backup_in_silence(place: Place) -> None:
    run(place.store.source.server, "postgres", "create database shut allow_connections false")
    before = catalogue().read(NAME).manifests
    with pytest.raises(Misconfigured, match=r"connect to shut,.*nothing was backed up.*allow_connections true"):
        back_up(place.store, repository(), catalogue())
    assert catalogue().read(NAME).manifests == before


@each_place("postgres")
@pytest.mark.parametrize("name", ["shut", "kept"])
def test_a_database_that_allows_no_connections_goes_only_by_two_words(place: Place, name: str) -> None:
    server = place.store.source.server
    if name not in databases(server):
        run(server, "postgres", f"create database {name}")
    run(server, "postgres", f"alter database {name} allow_connections false")
    with pytest.raises(Misconfigured, match=rf"not empty: .*{name}"):
        restoring.restore(asked(backup=place.backup))
    with pytest.raises(Misconfigured, match=rf"connect to {name},.*waive it: --without-safety-backup {NAME}"):
        restoring.restore(asked(backup=place.backup, replace=NAME))
    assert name in databases(server)
    run(server, "postgres", f"alter database {name} allow_connections true")
    run(server, "kept", "insert into mine.said values ('latest')")
    run(server, "postgres", f"alter database {name} allow_connections false")
    restoring.restore(asked(backup=place.backup, replace=NAME, without_safety_backup=NAME))
    assert databases(server) == ["kept"]
    assert place.read() == ["early"]


@each_place("postgres")
def test_a_restore_that_was_killed_while_it_dropped_a_database_is_repeated(place: Place, monkeypatch: Any) -> None:
    """What PostgreSQL then leaves counts as a database that nobody can connect to."""
    server = place.store.source.server

    def broken_off(*_: Any) -> None:
        run(server, "postgres", "update pg_database set datconnlimit = -2 where datname = 'kept'")
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(type(place.store.source), "clear", broken_off)
        with pytest.raises(OSError, match="killed"):
            restoring.restore(asked(backup=place.backup, replace=NAME))
    with pytest.raises(Misconfigured, match="broke off, and has left kept"):
        restoring.restore(asked(backup=place.backup))
    restoring.restore(asked(backup=place.backup, replace=NAME))
    assert place.read() == ["early"]


@each_place("postgres")
def test_a_template_is_backed_up_replaced_and_comes_back_as_one(place: Place) -> None:
    server = place.store.source.server
    run(server, "postgres", "create database model template kept is_template true")
    backup = back_up(place.store, repository(), catalogue()).id
    run(server, "model", "insert into mine.said values ('late')")
    restoring.restore(asked(backup=backup, replace=NAME))
    restoring.restore(asked(backup=backup, only="model", replace=NAME))
    with server.connected("postgres") as connection:
        (template,) = connection.execute("select datistemplate from pg_database where datname = 'model'").fetchone()
        assert template
        assert contents.databases(connection) == ["kept", "model"]
    run(server, "postgres", "drop database kept", "create database kept is_template true")
    run(server, "postgres", "alter database model is_template false", "drop database model")
    restoring.restore(asked(backup=backup))
    assert databases(server) == ["kept", "model"]


@each_place("postgres")
def test_a_database_of_the_servers_own_is_no_name_for_a_part(place: Place) -> None:
    for name in ("postgres", "template1", "enginedge_restoring"):
        with pytest.raises(Misconfigured, match=f"kept cannot become {name}"):
            restoring.restore(asked(backup=place.backup, only="kept", name=name))


@each_place("postgres")
def test_a_table_is_not_restored_into_a_database_that_allows_no_connections(place: Place) -> None:
    run(place.store.source.server, "postgres", "alter database kept allow_connections false")
    with pytest.raises(Misconfigured, match="nobody can connect to kept"):
        restoring.restore(asked(backup=place.backup, only="kept/mine.said", replace=NAME))


@pytest.mark.parametrize(
    "made",
    [
        "create table public.parts (id int) partition by range (id)",
        "create view public.seen as select 1 as one",
        "create materialized view public.seen as select 1 as one",
        "create function public.twice(n int) returns int language sql as 'select 2 * n'",
        "create sequence public.numbers",
        "create schema theirs",
        "create schema lease; create view lease.seen as select 1 as one",
        "create type public.mood as enum ('good')",
        "create type public.pair as (one int, other int)",
        "create domain public.word as text",
        'create collation public.plain from pg_catalog."C"',
        "create foreign data wrapper nowhere",
        "create publication everything for all tables",
        "select lo_create(0)",
        "create extension pg_trgm schema public; create view public.seen as select 1 as one",
    ],
)
def test_a_database_that_holds_anything_is_in_the_way_of_a_restore(server: Server, made: str) -> None:
    run(server, "postgres", "drop database if exists holding", "create database holding")
    run(server, "holding", made)
    assert Postgres(server, ("holding",)).present(server) == ["holding"]


def test_a_database_as_the_platform_sets_it_up_is_empty(server: Server) -> None:
    run(server, "postgres", "create role app login", "create role looker login", "create database fresh owner app")
    run(
        server,
        "fresh",
        "grant connect on database fresh to looker",
        "create schema if not exists lease authorization looker",
        "grant usage on schema public to looker; grant select on all tables in schema public to looker",
        "alter default privileges for role app in schema public grant select on tables to looker",
        "alter schema public owner to app",
        "create extension pg_trgm schema public",
        "create temporary table passing (id serial, what text)",
    )
    assert Postgres(server, ("fresh",)).present(server) == []


@each_place("postgres")
def test_a_database_without_a_table_is_replaced_only_by_a_word(place: Place) -> None:
    run(place.store.source.server, "kept", "drop table mine.said", "create view mine.seen as select 'seen' as what")
    with pytest.raises(Misconfigured, match="not empty: it has kept"):
        restoring.restore(asked(backup=place.backup))
    restoring.restore(asked(backup=place.backup, replace=NAME))
    assert place.read() == ["early"]


@each_place("postgres")
def test_a_backup_from_before_a_password_was_changed_is_restored_by_who_has_the_new_one(place: Place) -> None:
    """Of the role that restores, nothing that lets it in is undone; of every other one, everything."""
    server = place.store.source.server
    login = server.password_file.read_text()
    run(
        server,
        "postgres",
        f"alter role {server.user} password 'another' valid until '2100-01-01'",
        "alter role writer password 'another too'",
    )
    write_private(server.password_file, login.rpartition(":")[0] + ":another\n")
    told = restoring.restore(asked(backup=place.backup, replace=NAME))
    assert told["parts"] > 0
    assert place.read() == ["early"], "the writer has the password of then"
    with server.connected("postgres") as connection:
        (until,) = connection.execute(
            "select rolvaliduntil::date::text from pg_roles where rolname = current_user"
        ).fetchone()
    assert until == "2100-01-01"


@each_place("postgres")
def test_a_restore_by_a_role_of_the_backup_is_compared_in_all_its_other_roles(place: Place, monkeypatch: Any) -> None:
    server = _as_admin(place)
    source = replace(place.store.source, server=server)
    monkeypatch.setattr(foretelling, "declared_stores", lambda _: [replace(place.store, source=source,
                                                                           target=lambda _: server)])  # fmt: skip
    backup = back_up(replace(place.store, source=source), repository(), catalogue())
    run(server, "postgres", "alter role boss password 'another' valid until '2100-01-01'")
    write_private(server.password_file, f"*:*:*:{server.user}:another\n")
    restoring.restore(asked(backup=backup.id, replace=NAME))
    assert place.read() == ["early", "late"]
    assert backup.dumped.fingerprint.differences(source.fingerprint(server)), "what it is now is told as it is"
    whole = Postgres.restore

    def spoilt(self: Any, dumped: Any, repository: Any, to: Any) -> None:
        whole(self, dumped, repository, to)
        run(to, "postgres", "alter role writer connection limit 3")

    monkeypatch.setattr(Postgres, "restore", spoilt)
    with pytest.raises(Violated, match="roles is"):
        restoring.restore(asked(backup=backup.id, replace=NAME))


def _as_admin(place: Place) -> Server:
    """The place's server by a role that its backups have."""
    server = place.store.source.server
    run(server, "postgres", "create role boss superuser login password 'first'")
    login = server.password_file.with_name("boss")
    write_private(login, "*:*:*:boss:first\n")
    return replace(server, user="boss", password_file=login)


def test_the_statement_of_the_role_that_restores_is_left_out_and_its_own_alone() -> None:
    script = (
        "CREATE ROLE admin;\nALTER ROLE admin WITH LOGIN PASSWORD 'old';\nALTER ROLE admin SET work_mem TO '8MB';\n"
        'ALTER ROLE admin2 WITH LOGIN;\nALTER ROLE "ad""min" WITH LOGIN;'
    )
    kept, own = contents.without_role(script, "admin")
    assert own == "ALTER ROLE admin WITH LOGIN PASSWORD 'old';"
    assert kept == script.replace(f"{own}\n", "")
    assert contents.without_role(script, 'ad"min')[1] == 'ALTER ROLE "ad""min" WITH LOGIN;'
    assert contents.without_role(script, "enginedge_drill") == (script, "")
