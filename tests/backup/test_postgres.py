"""PostgreSQL's backups: the suite, and what only PostgreSQL has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from enginedge.backup.drills import drill
from enginedge.backup.repository import repository
from enginedge.backup.scratch.postgres import scratch_postgres
from enginedge.backup.sources.postgres import Postgres
from enginedge.backup.sources.postgres_contents import drop_database, role_script
from enginedge.backup.stores import Store, declared_stores
from enginedge.settings import settings
from tests.contracts.backup_source import CANARY, BackupSourceSuite, Taken

DATABASE = "backup_suite"


def connect(database: str = DATABASE) -> psycopg.Connection[Any]:
    at = settings().endpoint("postgres")
    password = settings().secret("postgres-admin")
    return psycopg.connect(
        host=at.host, port=at.port, dbname=database, user="admin", password=password, autocommit=True
    )


@pytest.mark.stores
class TestPostgres(BackupSourceSuite):
    dumper = "pg_dump"
    questions = 2

    def store(self) -> Store:
        (store,) = declared_stores(["postgres"])
        return replace(store, source=replace(store.source, only=(DATABASE,)))

    def live(self) -> Any:
        return self.store().source.server

    def unreachable(self) -> Postgres:
        return Postgres(replace(self.live(), port=1), (DATABASE,))

    def seed(self) -> None:
        with connect("postgres") as connection:
            connection.execute(f"drop database if exists {DATABASE} with (force)")
            connection.execute(f"create database {DATABASE} owner platform")
            connection.execute(f"revoke connect on database {DATABASE} from public")
        with connect() as connection:
            connection.execute(
                """
                create table "Odd name" (id bigserial primary key, said text, at timestamptz default now(),
                                         amount numeric(12, 4), raw bytea, tags text[], document jsonb);
                insert into "Odd name" (said, amount, raw, tags, document)
                select 'line ' || n || E'\\n\\t\\\\ \u00fc', n / 7.0, decode(md5(n::text), 'hex'),
                       array['a', null, n::text],
                       jsonb_build_object('n', n) from generate_series(1, 20000) n;
                create table parts (id int, day date) partition by range (day);
                create table parts_2026 partition of parts for values from ('2026-01-01') to ('2027-01-01');
                insert into parts values (1, '2026-11-25'), (1, '2026-11-25'), (null, '2026-11-25');
                create view seen as select count(*) from "Odd name";
                create function twice(n int) returns int language sql as 'select 2 * n';
                grant select on "Odd name" to lake;
                select lo_from_bytea(0, decode(repeat('00ff', 3000), 'hex'));
                """
            )
            connection.execute('insert into "Odd name" (said) values (%s)', [CANARY])

    def write(self, number: int) -> None:
        if not hasattr(self, "writing"):
            self.writing = connect()
        self.writing.execute('insert into "Odd name" (said) values (%s)', [f"written {number}"])

    def close(self) -> None:
        self.writing.close()

    def alter(self, target: Any) -> str:
        with target.connected(DATABASE) as connection:
            connection.execute('update public."Odd name" set amount = amount + 0.0001 where id = 17')
        return f'{DATABASE} public."Odd name" is '

    def test_everything_that_a_database_has_is_described(self, taken: Taken) -> None:
        found = taken.manifest.dumped.fingerprint
        assert set(found.parts) == {
            "roles",
            f"{DATABASE} definitions",
            f'{DATABASE} public."Odd name"',
            f"{DATABASE} public.parts_2026",
            f"{DATABASE} large objects",
        }
        assert found.parts[f"{DATABASE} public.parts_2026"].startswith("3 rows, ")
        assert set(found.at_least) == {f'{DATABASE} sequence public."Odd name_id_seq"'}

    @pytest.mark.parametrize(
        ("statement", "part"),
        [
            ("delete from public.parts_2026 where ctid = '(0,1)'", "public.parts_2026"),
            ("update public.parts_2026 set id = 2 where id is null", "public.parts_2026"),
            ("alter function public.twice(int) immutable", "definitions"),
            ('revoke select on public."Odd name" from lake', "definitions"),
            ("select lo_put(oid, 0, decode('01', 'hex')) from pg_largeobject_metadata", "large objects"),
            ("alter role lake connection limit 3", "roles"),
            ("select setval('public.\"Odd name_id_seq\"', 5)", "sequence"),
        ],
    )
    def test_a_change_of_any_kind_is_found(self, taken: Taken, restored: Any, statement: str, part: str) -> None:
        source = taken.store.source
        before = source.fingerprint(restored)
        with restored.connected(DATABASE) as connection:
            connection.execute(statement)
        (told,) = before.differences(source.fingerprint(restored))
        assert part in told

    def test_a_schema_that_changed_since_the_dump_spoils_no_drill(self, taken: Taken) -> None:
        with connect() as connection:
            connection.execute(
                "alter table parts add column more text default 'x'; alter table parts drop column id; drop view seen; "
                "create table later as select 1 as one; drop function twice(int)"
            )
        assert drill(taken.store, taken.manifest, repository()).parts > 0

    def test_a_new_server_that_was_set_up_already_is_restored_into(self, taken: Taken) -> None:
        """Its roles are there, with other passwords, and its databases, without a table."""
        with taken.store.scratch() as target:
            with target.connected("postgres") as connection:
                connection.execute("create role platform login password 'another'; create role admin superuser")
            with target.connected("postgres") as connection:
                connection.autocommit = True
                connection.execute(f"create database {DATABASE} owner platform")
            taken.store.source.restore(taken.manifest.dumped, repository(), target)
            copy = taken.store.source.fingerprint(target)
        assert taken.manifest.dumped.fingerprint.differences(copy) == []


@pytest.mark.stores
@pytest.mark.usefixtures("running_stores")
def test_databases_with_odd_names_come_back_each_as_itself() -> None:
    names = ["roles", "host=127.0.0.1 port=1 dbname=elsewhere", "postgresql://elsewhere", "-x", 'it\'s "a/b"\\ ü']
    (store,) = declared_stores(["postgres"])
    source = replace(store.source, only=names)
    with connect("postgres") as connection, scratch_postgres() as copy:
        try:
            for name in names:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
                with connect(name) as there:
                    there.execute("create table said as select %s::text as what", [name])
            dumped = source.dump(repository().marked("odd-names", "odd-names"))
        finally:
            for name in names:
                drop_database(connection, name)
        source.restore(dumped, repository(), copy)
        assert dumped.fingerprint.differences(source.fingerprint(copy)) == []
        for name in names:
            with copy.connected(name) as there:
                assert there.execute("select what from public.said").fetchall() == [(name,)]
        repository().forget({each.id for each in dumped.objects})


def test_a_role_that_is_there_already_is_altered_and_not_made() -> None:
    script = '\\restrict 0\nCREATE ROLE admin;\nALTER ROLE admin WITH LOGIN;\nCREATE ROLE "a-b";\n\\unrestrict 0'
    assert role_script(script, {"admin"}) == 'ALTER ROLE admin WITH LOGIN;\nCREATE ROLE "a-b";'
    assert role_script(script, {"a-b"}) == "CREATE ROLE admin;\nALTER ROLE admin WITH LOGIN;"
