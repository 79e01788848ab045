"""A database or a collection of MongoDB: restored into scratch with its oplog, compared, and copied from there.

mongorestore replays an oplog over everything or not at all, so that only a whole restore is of one moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from enginedge.backup.drills import refuse_differences
from enginedge.backup.parts.shapes import Part, Scratch, refuse_unknown
from enginedge.backup.shapes import Dumped, Fingerprint, Repository
from enginedge.backup.sources import mongodb_contents as contents
from enginedge.backup.sources.mongodb import MongoDB, Server
from enginedge.backup.tools import environment
from enginedge.errors import Misconfigured, Unavailable
from enginedge.shell import run_piped

DEFINITION = " definition"


@dataclass(frozen=True)
class MongoDBParts:
    """A part is a database, or a database and a collection: ``platform``, ``platform.users``."""

    sets_aside: bool = False

    def check(self, part: Part, dumped: Dumped) -> None:
        collections = {each.removesuffix(DEFINITION) for each in dumped.fingerprint.parts if each.endswith(DEFINITION)}
        refuse_unknown(part.what, collections | {each.partition(".")[0] for each in collections})
        if ("." in part.what) != ("." in part.to):
            raise Misconfigured(
                f"{part.what} cannot become {part.to}", where="--as", remedy="name a database for a database, or "
                "DATABASE.COLLECTION for a collection",
            )  # fmt: skip

    def present(self, part: Part, at: Server) -> list[str]:
        database, collection = _divided(part.to)
        with at.connected() as client:
            there = sorted(client[database].list_collection_names())
        return [f"{database}.{each}" for each in there if collection in ("", each)]

    def restore(self, part: Part, dumped: Dumped, repository: Repository, to: Server, scratch: Scratch) -> int:
        wanted = dumped.fingerprint
        with scratch() as there:
            source = MongoDB(there)
            source.restore(dumped, repository, there)
            refuse_differences(wanted.differences(source.fingerprint(there)), f"the scratch copy of {part.what}")
            with to.connected() as client:
                database, collection = _divided(part.to)
                client[database].drop_collection(collection) if collection else client.drop_database(database)
            _copy(part, there, to)
        (database, collection), (to_database, to_collection) = _divided(part.what), _divided(part.to)
        names = {each.removesuffix(DEFINITION) for each in wanted.parts}
        chosen = {
            each for each in names if each.partition(".")[0] == database and (each == part.what or not collection)
        }
        renamed = {
            f"{to_database}.{to_collection or each.partition('.')[2]}{kind}": wanted.parts[f"{each}{kind}"]
            for each in chosen
            for kind in ("", DEFINITION)
            if f"{each}{kind}" in wanted.parts
        }
        with to.connected() as client:
            found = contents.describe_database(client, to_database)
        if to_collection:
            found = {name: told for name, told in found.items() if name.removesuffix(DEFINITION) == part.to}
        refuse_differences(Fingerprint(renamed).differences(Fingerprint(found)), part.to)
        return len(renamed)


def _copy(part: Part, there: Server, to: Server) -> None:
    database, collection = _divided(part.what)
    chosen = (f"--db={database}", *((f"--collection={collection}",) if collection else ()))
    every = "" if collection else ".*"
    names = (f"--nsInclude={part.what}{every}", f"--nsFrom={part.what}{every}", f"--nsTo={part.to}{every}")
    dump = there.command("mongodump", *chosen, "--archive")
    load = to.command("mongorestore", "--archive", "--stopOnError", *names)
    for ended in run_piped(dump.argv, load.argv, producers=environment(), consumers=environment()):
        if ended.status:
            raise Unavailable(
                f"it ended with {ended.status}, saying:\n{ended.last_words}\n", where=ended.argv[0],
                remedy="mend what it names and restore again",
            )  # fmt: skip


def _divided(name: str) -> tuple[str, str]:
    database, _, collection = name.partition(".")
    return database, collection
