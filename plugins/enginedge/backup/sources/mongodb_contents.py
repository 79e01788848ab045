"""What a mongod holds: count and digest of each collection, how it was made, its indexes, and the users and roles.

A collection is read in the order of ``_id``, and its documents are digested as the bytes that they are. The past of a
capped collection cannot be read, so that of one only the definition is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from enginedge.backup.shapes import Fingerprint
from enginedge.errors import Unavailable

if TYPE_CHECKING:
    from bson import Timestamp
    from pymongo import MongoClient

SYSTEMS = ("admin", "config", "local")
SCRATCH_USER = "enginedge-drill"  # the user of a drill's own server
RESTORERS = (SCRATCH_USER, "restore")  # who restores is there before, and is not what was dumped
NOT_DUMPED = ("system.views", "system.profile")
NOTHING: Mapping[str, str] = {}
CAPPED = "capped: its documents are dumped, and not compared"
MAKING = ("create", "drop", "dropDatabase", "renameCollection", "collMod", "createIndexes", "commitIndexBuild",
          "dropIndexes")  # fmt: skip


def databases(client: MongoClient[Any]) -> list[str]:
    """Every database that is not the server's own, sorted."""
    return sorted(name for name in client.list_database_names() if name not in SYSTEMS)


def describe(
    client: MongoClient[Any], moment: Timestamp | None = None, known: Mapping[str, str] = NOTHING
) -> Fingerprint:
    """What the server held at ``moment``, or what it holds now; collections that are ``known`` are not read."""
    parts: dict[str, str] = {}
    for database in databases(client):
        parts |= describe_database(client, database, moment, known)
    for name in ("system.users", "system.roles"):
        mine = {"user": {"$nin": RESTORERS}}
        if count := _digest(_documents(client, "admin", name, moment, mine)):
            parts[f"admin.{name}"] = count
    return Fingerprint(parts)


def describe_database(
    client: MongoClient[Any], database: str, moment: Timestamp | None = None, known: Mapping[str, str] = NOTHING
) -> dict[str, str]:
    """The parts of what one database held at ``moment``, or of what it holds now, as far as they are not ``known``."""
    parts = {}
    for made in client[database].list_collections():
        part = f"{database}.{made['name']}"
        parts[f"{part} definition"] = _definition(client, database, made)
        if made["options"].get("capped"):
            parts[part] = CAPPED
        elif made["type"] in ("collection", "timeseries") and made["name"] not in NOT_DUMPED:
            parts[part] = known.get(part) or _digest(_documents(client, database, made["name"], moment))
    return parts


def describe_meanwhile(client: MongoClient[Any], moment: Timestamp) -> Mapping[str, str]:
    """The parts as they were at ``moment``; none where collections come or go while they are read."""
    from pymongo.errors import OperationFailure

    try:
        return describe(client, moment).parts
    except OperationFailure:
        return NOTHING


def unchanged(
    client: MongoClient[Any], parts: Mapping[str, str], since: Timestamp, until: Timestamp
) -> Mapping[str, str]:
    """Those of ``parts`` that nobody wrote to after ``since`` and up to ``until``, as the oplog says; none where
    anything but documents was made or changed."""
    written: set[str] = set()
    asked = {"ts": {"$gt": since, "$lte": until}, "op": {"$ne": "n"}}
    for entry in client.local["oplog.rs"].find(asked, {"op": 1, "ns": 1, "o.applyOps.ns": 1}):
        # a transaction is one command that holds its writes
        names = [each["ns"] for each in entry["o"].get("applyOps", ())] if entry["op"] == "c" else [entry["ns"]]
        if not names or any(name.endswith(".$cmd") for name in names):
            return NOTHING
        written |= {*names, *(name.replace(".system.buckets.", ".") for name in names)}
    return {part: told for part, told in parts.items() if part not in written}


def drop_users_and_roles(client: MongoClient[Any], but: str) -> None:
    """Drop every user of an empty server but the one who restores, and every role that somebody made and he does not
    have: those that are there are not restored over."""
    his = set()
    for each in client.admin.command("usersInfo", {"forAllDBs": True})["users"]:
        if each["user"] == but:
            his |= {(role["db"], role["role"]) for role in each["roles"]}
        else:
            client[each["db"]].command("dropUser", each["user"])
    for each in list(client.admin["system.roles"].find({}, {"db": 1, "role": 1})):
        if (each["db"], each["role"]) not in his:
            client[each["db"]].command("dropRole", each["role"])


def refuse_changed_collections(client: MongoClient[Any], since: Timestamp) -> None:
    """Return when no collection and no index was made, changed or dropped after ``since``: their lists are of now.

    Raises:
        Unavailable: one was; the backup is to be taken again.
    """
    changes = [{f"o.{verb}": {"$exists": True}} for verb in MAKING]
    found = client.local["oplog.rs"].find_one({"ts": {"$gt": since}, "op": "c", "$or": changes})
    if found:
        raise Unavailable(
            f"collections were made or changed during the backup: {next(iter(found['o']))} in {found['ns']}",
            where="mongodb",
            remedy="back it up again",
        )


def _definition(client: MongoClient[Any], database: str, made: Mapping[str, Any]) -> str:
    """A digest of a collection's kind, options and indexes."""
    options = {name: value for name, value in made["options"].items() if name != "uuid"}
    told = []
    if made["type"] == "collection":
        told = sorted(repr(sorted(index.items())) for index in client[database][made["name"]].list_indexes())
    return sha256(repr((made["type"], sorted(options.items()), told)).encode()).hexdigest()[:32]


def _documents(
    client: MongoClient[Any], database: str, name: str, moment: Timestamp | None, where: Any = None
) -> Iterator[bytes]:
    from bson.codec_options import CodecOptions
    from bson.raw_bson import RawBSONDocument

    concern = {"level": "snapshot", "atClusterTime": moment} if moment else {"level": "local"}
    raw: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
    found = client.get_database(database, codec_options=raw).cursor_command(
        "find", name, codec_options=raw, filter=where or {}, sort={"_id": 1}, readConcern=concern, allowDiskUse=True
    )
    return (document.raw for document in found)


def _digest(documents: Iterator[bytes]) -> str:
    count, digest = 0, sha256()
    for document in documents:
        count += 1
        digest.update(document)
    return f"{count} documents, {digest.hexdigest()[:32]}"
