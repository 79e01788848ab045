"""Stores of a suite's own, in servers and folders of its own, and how somebody else writes into them and reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from enginedge.backup.foretelling import Request
from enginedge.backup.parts.buckets import BucketParts
from enginedge.backup.parts.postgres import PostgresParts
from enginedge.backup.parts.volumes import VolumeParts
from enginedge.backup.scratch.folder import scratch_volume
from enginedge.backup.scratch.minio import scratch_minio
from enginedge.backup.scratch.postgres import scratch_postgres
from enginedge.backup.sources.buckets import Buckets
from enginedge.backup.sources.postgres import Postgres
from enginedge.backup.sources.volumes import Volume
from enginedge.backup.stores import Store, declared_stores
from tests.backup import test_mongodb

NAME = "restore-suite"
BUCKET = "platform"
WORD = "a word"


@dataclass
class Place:
    """A store of the suite's own, and how a client of its own writes one value into it and reads all of them; and the
    id of its backup."""

    store: Store
    write: Callable[[str], None]
    read: Callable[[], list[str]]
    backup: str = ""


@contextmanager
def in_postgres() -> Iterator[Place]:
    with scratch_postgres() as server:
        with server.connected("postgres") as connection:
            connection.autocommit = True
            connection.execute(f"create role writer login password '{WORD}'; create role reader")
            connection.execute("comment on role writer is 'it writes'")
            connection.execute("grant reader to writer")
            connection.execute("create database kept owner writer")

        def connect() -> psycopg.Connection[Any]:
            return psycopg.connect(
                host=server.host, port=server.port, dbname="kept", user="writer", password=WORD, autocommit=True
            )

        with connect() as connection:
            connection.execute("create schema mine create table said (what text)")

        def write(what: str) -> None:
            with connect() as connection:
                connection.execute("insert into mine.said values (%s)", [what])

        def read() -> list[str]:
            with connect() as connection:
                return [what for (what,) in connection.execute("select what from mine.said order by 1")]

        yield Place(
            Store(NAME, Postgres(server), scratch_postgres, lambda _: server, parts=PostgresParts()), write, read
        )


@contextmanager
def in_buckets() -> Iterator[Place]:
    with scratch_minio([BUCKET]) as there:

        def write(what: str) -> None:
            with there.client() as client:
                client.put_object(Bucket=BUCKET, Key=f"said/{what}", Body=what.encode())

        def read() -> list[str]:
            with there.client() as client:
                found = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
                return [client.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read().decode() for each in found]

        yield Place(
            Store(
                NAME, Buckets(there, [BUCKET]), lambda: scratch_minio([BUCKET]), lambda _: there, parts=BucketParts()
            ),
            write,
            read,
        )


@contextmanager
def in_mongodb() -> Iterator[Place]:
    (store,) = declared_stores(["mongodb"])
    with test_mongodb.connect() as client:
        said = client["restore_suite"]["said"]
        said.drop()

        def write(what: str) -> None:
            said.insert_one({"_id": what})

        def read() -> list[str]:
            return sorted(each["_id"] for each in said.find())

        yield Place(replace(store, name=NAME), write, read)
        client.drop_database("restore_suite")


@contextmanager
def in_folder() -> Iterator[Place]:
    with scratch_volume() as folder:
        folder.mkdir()

        def write(what: str) -> None:
            (folder / what).write_text(what)

        def read() -> list[str]:
            return sorted(path.read_text() for path in folder.iterdir())

        yield Place(
            Store(NAME, Volume(folder), scratch_volume, lambda to: to or folder, home=folder, parts=VolumeParts()),
            write,
            read,
        )


PLACES = {"postgres": in_postgres, "buckets": in_buckets, "mongodb": in_mongodb, "folder": in_folder}
DUMPED = [name for name in PLACES if name != "folder"]


def each_place(*names: str) -> Any:
    return pytest.mark.parametrize("place", names or list(PLACES), indirect=True)


def asked(**words: Any) -> Request:
    return Request(NAME, **words)
