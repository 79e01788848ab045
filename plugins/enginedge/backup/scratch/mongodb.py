"""A mongod for one drill: empty, with one user that is made for it and may do everything."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from enginedge.backup.scratch.place import free_port, running, scratch_folder
from enginedge.backup.sources.mongodb import Server
from enginedge.backup.sources.mongodb_contents import SCRATCH_USER
from enginedge.backup.tools import tool
from enginedge.private_files import private_folder, write_private
from enginedge.settings import HOST


@contextmanager
def scratch_mongodb() -> Iterator[Server]:
    """A running, empty server."""
    import yaml
    from pymongo import MongoClient

    with scratch_folder("mongodb") as folder:
        port, password = free_port(), secrets.token_hex(16)
        data = private_folder(folder / "data")
        configuration = {
            "net": {"bindIp": HOST, "port": port, "unixDomainSocket": {"enabled": False}},
            "storage": {"dbPath": str(data), "wiredTiger": {"engineConfig": {"cacheSizeGB": 0.25}}},
            "security": {"authorization": "enabled"},
            "systemLog": {"quiet": True},
            "setParameter": {"diagnosticDataCollectionEnabled": False},
        }  # fmt: skip
        write_private(folder / "mongod.yaml", yaml.safe_dump(configuration))
        write_private(folder / "login.yaml", yaml.safe_dump({"password": password}))
        server = Server(HOST, port, SCRATCH_USER, folder / "login.yaml")

        def make_user() -> None:
            # mongod lets somebody without a login make the first user, and nothing else
            nobody: MongoClient[Any]
            with MongoClient(HOST, port, directConnection=True, serverSelectionTimeoutMS=500) as nobody:
                nobody.admin.command("createUser", SCRATCH_USER, pwd=password, roles=["__system"])

        with running([tool("mongod"), "--config", str(folder / "mongod.yaml")], make_user, log=folder / "log"):
            yield server
