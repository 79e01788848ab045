"""What a drill asks a restored store first, as whoever uses it would: equal rows and files prove no working server.

Each function takes the scratch that was restored, and returns its questions, once each was answered as it should be.
What they write they write into scratch, after it was compared.

Raises (all of them):
    Unavailable: the store does not answer, or refuses.
    Misconfigured: a tool is missing.
    Violated: it answers something else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from enginedge.errors import Violated

if TYPE_CHECKING:
    from enginedge.backup.object_store import ObjectStore
    from enginedge.backup.sources import etcd, mongodb, postgres

NAME, VALUE = "enginedge_drill", b"written to what was restored"
DATABASES = """
    select datname, pg_get_userbyid(datdba) from pg_database
    where datallowconn and not datistemplate and datname <> 'postgres' and has_database_privilege(datdba, oid, 'temp')
    order by 1"""
READABLE = """
    select n.nspname, c.relname, pg_get_userbyid(c.relowner) as owner from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and c.relispopulated
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and has_table_privilege(c.relowner, c.oid, 'select') and has_schema_privilege(c.relowner, n.oid, 'usage')
    order by 3, 1, 2"""


def ask_postgres(server: postgres.Server) -> list[str]:
    """Each table is read by its owner; each database's owner writes there."""
    from psycopg.sql import SQL, Identifier

    with server.connected("postgres") as connection:
        databases = connection.execute(DATABASES).fetchall()
    read = 0
    for database, owner in databases:
        with server.connected(database) as connection:
            for schema, table, reader in connection.execute(READABLE).fetchall():
                connection.execute(SQL("set local role {}").format(Identifier(reader)))
                connection.execute(SQL("select 1 from {} limit 1").format(Identifier(schema, table)))
                connection.execute("reset role")
                read += 1
            connection.execute(SQL("set local role {}").format(Identifier(owner)))
            connection.execute(f"create temp table {NAME} as select 1 as one")
            _same(connection.execute(f"select one from {NAME}").fetchall(), [(1,)], f"{database}, written by {owner}")  # noqa: S608
            connection.rollback()
    return [f"each of {read} tables is read by its owner", f"each owner of {len(databases)} databases writes there"]


def ask_mongodb(server: mongodb.Server) -> list[str]:
    """Each collection and its indexes are valid to the server itself; a document is written and found by its key."""
    valid = 0
    with server.connected() as client:
        for database in set(client.list_database_names()) - {"admin", "config", "local"}:
            for name in client[database].list_collection_names(filter={"type": "collection"}):
                said = client[database].command("validate", name)
                _same(said["valid"], True, f"{database}.{name} ({said.get('errors')})")
                valid += 1
        probe = client[NAME][NAME]
        probe.insert_one({"_id": 1, "value": VALUE})
        _same((probe.find_one({"_id": 1}) or {}).get("value"), VALUE, "a document that was written")
        client.drop_database(NAME)
    return [f"the server finds {valid} collections and their indexes valid", "a document is written and found"]


def ask_etcd(member: etcd.Member) -> list[str]:
    """A key is written, which needs a leader, and read; the revision grows."""
    key = f"/{NAME}".encode()
    with member.client.connected() as session:
        before = session.revision()
        session.put([(key, VALUE)])
        _same(list(session.pairs(prefix=key)), [(key, VALUE)], "a key that was written")
        _same(session.revision() > before, True, "a write that raises the revision")
        session.delete(key)
    return ["a key is written and read"]


def ask_buckets(store: ObjectStore) -> list[str]:
    """An object is written into each bucket, and read."""
    with store.client() as client:
        buckets = [each["Name"] for each in client.list_buckets()["Buckets"]]
        for bucket in buckets:
            client.put_object(Bucket=bucket, Key=NAME, Body=VALUE)
            read = client.get_object(Bucket=bucket, Key=NAME)["Body"].read()
            _same(read, VALUE, f"an object that was written into {bucket}")
    return [f"an object is written into each of {len(buckets)} buckets, and read"]


def ask_redis(folder: Path) -> list[str]:
    """It starts on the folder, and has loaded what is there."""
    from enginedge.backup.scratch.redis import scratch_redis

    _same(any(folder.glob("appendonlydir/*.manifest")), True, "a manifest, without which it would start empty")
    with scratch_redis(folder) as client:
        return [f"it starts, and holds {client.dbsize()} keys"]


def _same(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Violated(f"{what}: {found!r} instead of {wanted!r}", untouched="the backup")
