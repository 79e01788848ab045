"""A Hive Metastore for one drill, on a database that was restored into scratch."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from enginedge.backup.object_store import ObjectStore
from enginedge.backup.scratch.place import free_port, running, scratch_folder
from enginedge.backup.sources.postgres import MAINTENANCE, Server
from enginedge.backup.tools import tool_path
from enginedge.engines.hadoop import S3
from enginedge.engines.metastore import ROLE, SERVER, Metastore
from enginedge.private_files import private_folder
from enginedge.settings import HOST, Endpoint

BOOT_WITHIN_S = 300.0


@contextmanager
def scratch_metastore(database: Server, store: ObjectStore) -> Iterator[Endpoint]:
    """A running metastore, whose role in ``database`` gets a password that is made for the drill."""
    with scratch_folder("metastore") as folder:
        address, password = Endpoint(HOST, free_port()), secrets.token_hex(16)
        _set_password(database, password)
        metastore = Metastore(
            conf=private_folder(folder / "conf"),
            tool=tool_path,
            address=address,
            database=Endpoint(database.host, database.port),
            password=password,
            store=S3(store.url, store.user, store.password),
        )
        metastore.write()
        argv = [*metastore.java, *SERVER]
        log, more = folder / "log", metastore.environment
        with running(argv, lambda: _ask(address), log=log, more=more, within_s=BOOT_WITHIN_S):
            yield address


def _set_password(database: Server, password: str) -> None:
    from psycopg import sql

    with database.connected(MAINTENANCE) as connection:
        said = sql.SQL("alter role {} password {}").format(sql.Identifier(ROLE), sql.Literal(password))
        connection.execute(said)


def _ask(address: Endpoint) -> None:
    socket.create_connection((address.host, address.port), timeout=5).close()
