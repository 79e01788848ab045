"""The five kinds of store, filled for the backups' figures: how each grows, and what somebody without us would type.

What is typed by hand is the tool itself with the same options, and restic with nothing around it. MinIO comes without
a tool that prints a bucket, so that a bare program stands in for one; a volume is printed by tar.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from enginedge.backup.scratch.folder import scratch_volume
from enginedge.backup.scratch.minio import scratch_minio
from enginedge.backup.shapes import Command
from enginedge.backup.sources.volumes import Volume
from enginedge.backup.stores import Store, declared_stores
from enginedge.backup.tools import tool
from enginedge.settings import settings
from tests.benchmarks import bare_bucket

NAME, BUCKET = "bench", "platform"
ROW, VALUE, FILE, BLOCK, LARGE, SMALL = 500, 16_384, 16_000_000, 4096, 8_000_000, 100_000
CHANGED = 100  # one in so many is changed
SEED = 7


@dataclass(frozen=True)
class Kind:
    """One kind of store.

    Attributes:
        live: the running store, as its source describes it.
        empty: takes out all that was put in.
        append: puts in as many bytes, after what is there.
        scatter: changes one of a hundred things, all over.
        dump: prints the store.
        load: fills the target with what was printed.
        finish: what is left to do then.
    """

    name: str
    store: Store
    live: Any
    empty: Callable[[], object]
    append: Callable[[int], object]
    scatter: Callable[[], object]
    dump: Command
    load: Callable[[Any], Command]
    finish: Callable[[Any], object] = lambda _: None
    share: float = 1.0  # of the size that the others have


def postgres() -> Kind:
    (store,) = declared_stores(["postgres"])
    server = store.source.server
    text = "md5(n::text || '{0}') || md5(n::text || '{0}b')".format

    def empty() -> None:
        with server.connected("postgres") as connection:
            connection.autocommit = True
            connection.execute(f"drop database if exists {NAME} with (force)")

    def make() -> None:
        with server.connected("postgres") as connection:
            connection.autocommit = True
            connection.execute(f"create database {NAME}")
        with server.connected(NAME) as connection:
            connection.execute(
                "create table public.events (id bigserial primary key, at timestamptz, kind int, amount numeric(12, 4),"
                " said text, document jsonb); create index on public.events (at)"
            )

    def append(size: int) -> None:
        with server.connected("postgres") as connection:
            there = connection.execute("select 1 from pg_database where datname = %s", [NAME]).fetchone()
        if not there:
            make()
        said = " || ".join(text(letter) for letter in "acegi")
        with server.connected(NAME) as connection:
            connection.execute(
                f"insert into public.events (at, kind, amount, said, document) select "  # noqa: S608 - of ours
                f"timestamptz '2026-01-01' + n * interval '1 second', n % 17, n / 7.0, {said}, "
                f"jsonb_build_object('n', n, 'key', {text('k')}) from generate_series(1, {size // ROW}) as n"
            )

    def scatter() -> None:
        with server.connected(NAME) as connection:
            connection.execute(f"update public.events set amount = amount + 1 where id % {CHANGED} = 7")  # noqa: S608

    dump = server.command("pg_dump", "--format=custom", "--compress=0", f"--dbname={NAME}")
    options = ("--create", "--exit-on-error", "--no-owner", "--no-privileges", "--dbname=postgres")
    store = replace(store, source=replace(store.source, only=(NAME,)))
    return Kind("postgres", store, server, empty, append, scatter, dump, lambda to: to.command("pg_restore", *options))


def mongodb() -> Kind:
    from pymongo import MongoClient

    (store,) = declared_stores(["mongodb"])
    server, chance = store.source.server, Random(SEED)
    login: dict[str, Any] = {"username": "root", "password": settings().secret("mongodb-root")}

    def at_work(act: Callable[[Any], object]) -> None:
        client: MongoClient[Any]
        with MongoClient(server.host, server.port, directConnection=True, **login) as client:
            act(client[NAME].events)

    def empty() -> None:
        at_work(lambda events: events.database.client.drop_database(NAME))

    def append(size: int) -> None:
        def put(events: Any) -> None:
            first = events.estimated_document_count()
            for at in range(first, first + size // 1000, 2000):
                events.insert_many(
                    [{"_id": n, "kind": n % 17, "cost": n / 7, "said": chance.randbytes(460).hex()}
                     for n in range(at, min(at + 2000, first + size // 1000))], ordered=False
                )  # fmt: skip

        at_work(put)

    def scatter() -> None:
        at_work(lambda events: events.update_many({"_id": {"$mod": [CHANGED, 7]}}, {"$inc": {"cost": 1.0}}))

    dump = server.command("mongodump", "--oplog", "--archive", "--numParallelCollections=1")
    options = ("--archive", "--oplogReplay", "--stopOnError")
    return Kind("mongodb", store, server, empty, append, scatter, dump, lambda to: to.command("mongorestore", *options))


def buckets() -> Kind:
    (store,) = declared_stores(["minio"])
    live, chance = store.source.store, Random(SEED)
    source = replace(store.source, buckets=(BUCKET,))
    store = replace(store, source=source, scratch=lambda: scratch_minio([BUCKET]))
    root = replace(live, user="root", password_file=settings().secret_path("minio-root"))
    written: list[tuple[str, int]] = []

    def empty() -> None:
        with bare_bucket.client(root) as s3:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{NAME}/"):
                for each in page.get("Contents", ()):
                    s3.delete_object(Bucket=BUCKET, Key=each["Key"])
        written.clear()

    def put(things: list[tuple[str, int]]) -> None:
        with bare_bucket.client(root) as s3:
            for key, size in things:
                s3.put_object(Bucket=BUCKET, Key=key, Body=chance.randbytes(size))

    def append(size: int) -> None:
        """Four fifths of it in large objects, the rest in small ones; what comes later has later names."""
        before = len(written)
        for of, part in ((LARGE, size * 4 // 5), (SMALL, size // 5)):
            for _ in range(max(1, part // of)):
                written.append((f"{NAME}/{len(written):06}", min(of, part)))
        put(written[before:])

    def scatter() -> None:
        put(written[7::CHANGED])

    def command(verb: str, at: Any) -> Command:
        login = (at.url, at.user, str(at.password_file))
        return Command((sys.executable, "-m", bare_bucket.__name__, verb, *login, BUCKET))

    return Kind("buckets", store, live, empty, append, scatter, command("dump", live), lambda to: command("load", to))


def volumes() -> Kind:
    folder, chance = settings().state / "data" / NAME, Random(SEED)
    store = Store(f"{NAME}-volume", Volume(folder), scratch_volume, lambda _: folder)

    def append(size: int) -> None:
        """In more files, as a log rolls."""
        folder.mkdir(parents=True, exist_ok=True)
        while size > 0:
            last = folder / f"log-{len(list(folder.iterdir())):06}"
            with last.open("wb") as file:
                size -= file.write(chance.randbytes(min(size, FILE)))

    def scatter() -> None:
        for path in folder.iterdir():
            with path.open("r+b") as file:
                for at in range(0, path.stat().st_size, BLOCK * CHANGED):
                    file.seek(at)
                    file.write(chance.randbytes(BLOCK))

    def load(to: Path) -> Command:
        to.mkdir()
        return Command(("tar", "--extract", "--file=-", f"--directory={to}"))

    dump = Command(("tar", "--create", "--file=-", "--sort=name", f"--directory={folder}", "."))
    return Kind("volumes", store, folder, lambda: shutil.rmtree(folder), append, scatter, dump, load)


def etcd() -> Kind:
    (store,) = declared_stores(["etcd"])
    live, chance = store.source.client, Random(SEED)
    spool = settings().state / "spooled-by-hand.db"
    # a password of this installation alone, which is gone in an hour; etcdctl takes it from nowhere else
    login = {"ETCDCTL_USER": "root", "ETCDCTL_PASSWORD": settings().secret("etcd-root")}
    written = 0

    def empty() -> None:
        nonlocal written
        with live.connected() as session:
            session.delete(f"/{NAME}/".encode())
        written = 0

    def put(numbers: range) -> None:
        with live.connected() as session:
            for number in numbers:
                session.put([(f"/{NAME}/{number:08}".encode(), chance.randbytes(VALUE))])

    def append(size: int) -> None:
        nonlocal written
        put(range(written, written + size // VALUE))
        written += size // VALUE

    def scatter() -> None:
        put(range(7, written, CHANGED))

    save = f"{tool('etcdctl')} --endpoints={live.url} snapshot save {spool} >&2 && cat {spool} && rm {spool}"

    def load(to: Any) -> Command:
        member = f"--name=local --initial-cluster=local={to.peer} --initial-advertise-peer-urls={to.peer}"
        restore = f"{tool('etcdutl')} snapshot restore {spool} --data-dir={to.data} {member} && rm {spool}"
        return Command(("sh", "-c", f"cat > {spool} && {restore}"))

    dump = Command(("sh", "-c", save), login)
    return Kind("etcd", store, live, empty, append, scatter, dump, load, finish=lambda to: to.start(), share=0.1)


#: Each kind by its name; what one makes is empty.
KINDS = {"postgres": postgres, "mongodb": mongodb, "buckets": buckets, "volumes": volumes, "etcd": etcd}
