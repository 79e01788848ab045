"""MongoDB: a real mongod as a replica set of one, with a user a purpose."""

from __future__ import annotations

import time
from typing import Any

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.errors import Misconfigured, Unavailable
from enginedge.settings import HOST

SET = "rs0"
REPLAY = "oplogReplay"  # replaying an oplog takes every right there is
USERS: dict[str, list[Any]] = {
    "platform": [{"role": "readWrite", "db": "platform"}],
    "lake": [{"role": "read", "db": "platform"}],
    "backup": ["backup"],
    "restore": ["restore", REPLAY],
}
ALREADY_INITIALISED, UNAUTHORIZED, NO_SUCH_USER, USER_EXISTS, ROLE_EXISTS = 23, 13, 18, 51003, 51002


def prepare(local: Local) -> Launch:
    """Everything is in mongod's configuration file; the members' shared key is a file that only we can read."""
    import yaml

    key = local.write("mongodb", "keyfile", local.secret("mongodb-keyfile"))
    configuration = {
        "net": {"bindIp": HOST, "port": local.port("mongodb"), "unixDomainSocket": {"enabled": False}},
        "storage": {
            "dbPath": str(local.data("mongodb")),
            "wiredTiger": {"engineConfig": {"cacheSizeGB": 0.25}},
        },
        "replication": {"replSetName": SET, "oplogSizeMB": 256},
        "security": {"keyFile": str(key), "authorization": "enabled"},
        "systemLog": {"quiet": True},
        "setParameter": {
            "diagnosticDataCollectionEnabled": False,
            # a backup is described by reads of the past, at the moment at which the dump ended
            "minSnapshotHistoryWindowInSeconds": 3600,
        },
    }
    path = local.write("mongodb", "mongod.yaml", yaml.safe_dump(configuration))
    return Launch([str(local.tool("mongod")), "--config", str(path)])


def set_up(local: Local) -> None:
    """The replica set, then ``root`` by mongod's localhost exception, then the others by ``root``; what exists is
    kept. A set whose member was at another port before is told where it is now: it has no primary otherwise."""
    from pymongo import MongoClient

    address: dict[str, Any] = {"host": HOST, "port": local.port("mongodb"), "directConnection": True}
    with MongoClient(**address, serverSelectionTimeoutMS=5000) as nobody:
        host = local.address("mongodb")
        password = local.secret("mongodb-root")
        new = {"_id": SET, "members": [{"_id": 0, "host": host}]}
        if not _tolerating({ALREADY_INITIALISED, UNAUTHORIZED}, nobody, "replSetInitiate", new):
            with MongoClient(**address, username="root", password=password, serverSelectionTimeoutMS=5000) as root:
                _move(root, host)
        _wait_for_primary(nobody)
        _tolerating({UNAUTHORIZED, USER_EXISTS}, nobody, "createUser", "root", pwd=password, roles=["root"])
    with MongoClient(**address, username="root", password=password, serverSelectionTimeoutMS=5000) as root:
        _refuse_without_root(root)
        everything = [{"resource": {"anyResource": True}, "actions": ["anyAction"]}]
        _tolerating({ROLE_EXISTS}, root, "createRole", REPLAY, roles=[], privileges=everything)
        for user, roles in USERS.items():
            login: dict[str, Any] = {"pwd": local.secret(f"mongodb-{user}"), "roles": roles}
            verb = "updateUser" if root.admin.command("usersInfo", user)["users"] else "createUser"
            root.admin.command(verb, user, **login)


def _tolerating(codes: set[int], client: Any, command: str, value: Any, **arguments: Any) -> bool:
    """Whether the command did what it says; it may fail with one of ``codes``."""
    from pymongo.errors import OperationFailure

    try:
        client.admin.command(command, value, **arguments)
    except OperationFailure as error:
        if error.code not in codes:
            raise
        return False
    return True


def _move(root: Any, host: str) -> None:
    """Tell the set that its one member is at ``host``; there is nothing to tell where ``root`` was not made yet."""
    from pymongo.errors import OperationFailure

    try:
        known = root.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != NO_SUCH_USER:
            raise
        return
    (member,) = known["members"]
    if member["host"] != host:
        member["host"], known["version"] = host, known["version"] + 1
        root.admin.command("replSetReconfig", known, force=True)


def _refuse_without_root(root: Any) -> None:
    """Raises:
    Misconfigured: ``root`` can't log in; no waiting helps.
    """
    from pymongo.errors import OperationFailure

    try:
        root.admin.command("connectionStatus")
    except OperationFailure as error:
        if error.code != NO_SUCH_USER:
            raise
        raise Misconfigured(
            "root cannot log in: a restore broke off, which brings users back at its end, or its password is another",
            where="mongodb",
            untouched="what is in it",
            remedy="it runs, so repeat the restore (`enginedge restore mongodb`), then run `make up`",
        ) from error


def _wait_for_primary(client: Any, patience_s: float = 30) -> None:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if client.admin.command("hello").get("isWritablePrimary"):
            return
        time.sleep(0.1)
    raise Unavailable("the replica set has no primary", where="mongodb", remedy="run `make logs S=mongodb`")
