"""A Trino for one drill: the lake's catalogs, and nothing else of the platform's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from enginedge import trino
from enginedge.backup.object_store import ObjectStore
from enginedge.backup.scratch.place import free_port, running, scratch_folder
from enginedge.backup.tools import tool_path
from enginedge.engines.hadoop import S3
from enginedge.engines.trino import Trino, lake_catalogs
from enginedge.private_files import private_folder
from enginedge.settings import HOST, Endpoint

BOOT_WITHIN_S = 420.0  # as long as the platform's own is given
PLUGINS = ("hive", "iceberg")


@contextmanager
def scratch_trino(metastore: Endpoint, store: ObjectStore) -> Iterator[Endpoint]:
    """A running Trino, which reads the tables of ``metastore`` in ``store``."""
    with scratch_folder("trino") as folder:
        address = Endpoint(HOST, free_port())
        server = Trino(
            conf=private_folder(folder / "conf"),
            data=private_folder(folder / "data"),
            tool=tool_path,
            address=address,
            plugins=PLUGINS,
            catalogs=lake_catalogs(metastore, S3(store.url, store.user, store.password)),
            short_lived=True,
        )
        server.write()
        with running(server.argv, lambda: _ask(address), log=folder / "log", within_s=BOOT_WITHIN_S):
            yield address


def _ask(address: Endpoint) -> None:
    """A scan, and the metastore: it calls itself started some seconds before it can do one."""
    trino.query(trino.SCAN, at=address)
    trino.query("select count(*) from lake.information_schema.schemata", at=address)
