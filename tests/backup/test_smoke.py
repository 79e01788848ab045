"""A restored server that has every row and serves nobody is no proof: each kind, made so that it does not work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from minio import MinioAdmin
from minio.credentials import StaticProvider

from enginedge.backup import smoke
from enginedge.backup.drills import ask
from enginedge.backup.scratch.etcd import scratch_etcd
from enginedge.backup.scratch.minio import scratch_minio
from enginedge.backup.scratch.mongodb import scratch_mongodb
from enginedge.backup.scratch.postgres import scratch_postgres
from enginedge.backup.shapes import BackupSource
from enginedge.backup.sources.postgres import Server
from enginedge.backup.stores import Store
from enginedge.errors import Violated
from enginedge.private_files import write_private


def refused(questions: Callable[[Any], list[str]], target: Any) -> str:
    """What the drill says of a target that does not work."""
    store = Store("it", cast("BackupSource[Any]", None), lambda: target, lambda _: target, smoke=questions)
    with pytest.raises(Violated, match="is what was dumped, and does not work") as told:
        ask(store, target)
    return str(told.value)


def execute(server: Server, database: str, *statements: str) -> None:
    password = server.password_file.read_text().strip().rpartition(":")[2]
    login = {"host": server.host, "port": server.port, "user": server.user, "password": password}
    with psycopg.connect(dbname=database, autocommit=True, **login) as connection:  # type: ignore[arg-type]
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def test_postgres_is_read_and_written_by_who_owns_it() -> None:
    with scratch_postgres() as server:
        execute(server, "postgres", "create role shop", "create role clerk", 'create database "a shop" owner shop')
        execute(
            server,
            "a shop",
            "create table bills (id int)",
            "alter table bills owner to clerk",
            "grant create on schema public to clerk",
            "create materialized view totals as select 1 as n with no data",
        )
        asked = smoke.ask_postgres(server)
        assert asked == ["each of 1 tables is read by its owner", "each owner of 1 databases writes there"]
        execute(server, "postgres", 'alter database "a shop" set default_transaction_read_only = on')
        assert "read-only transaction" in refused(smoke.ask_postgres, server)
        execute(server, "postgres", 'alter database "a shop" reset default_transaction_read_only')
        with server.connected("a shop") as connection:
            (file,) = connection.execute("select pg_relation_filepath('public.bills')").fetchone() or ("",)
        (server.password_file.parent / "cluster" / file).unlink()
        assert "could not open file" in refused(smoke.ask_postgres, server)


def test_mongodb_takes_a_document_and_finds_each_collection_valid(tmp_path: Path) -> None:
    with scratch_mongodb() as server:
        with server.connected() as client:
            client["shop"]["bills"].insert_many([{"_id": number} for number in range(3)])
            client["shop"].command("create", "dear", viewOn="bills", pipeline=[])
            roles = ["readAnyDatabase", "dbAdminAnyDatabase"]
            client.admin.command("createUser", "reader", pwd="only reads", roles=roles)  # noqa: S106
        assert smoke.ask_mongodb(server)[0] == "the server finds 2 collections and their indexes valid"
        with server.connected() as client:
            assert smoke.NAME not in client.list_database_names()
        write_private(tmp_path / "login.yaml", "password: only reads\n")
        reader = replace(server, user="reader", password_file=tmp_path / "login.yaml")
        assert "not authorized" in refused(smoke.ask_mongodb, reader)


def test_buckets_take_an_object() -> None:
    with scratch_minio(["one", "other"]) as store:
        assert smoke.ask_buckets(store) == ["an object is written into each of 2 buckets, and read"]
        assert "Could not connect" in refused(smoke.ask_buckets, replace(store, url="http://127.0.0.1:1"))
        login = StaticProvider(store.user, store.password)
        admin = MinioAdmin(endpoint=store.url.partition("//")[2], credentials=login, secure=False)
        admin.bucket_quota_set("other", 1)
        assert "Bucket quota exceeded" in refused(smoke.ask_buckets, store)


def test_etcd_answers(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("none")
    with scratch_etcd(tmp_path / "password") as member:
        assert "etcd answered: failed to connect" in refused(smoke.ask_etcd, member)
