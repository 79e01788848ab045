"""MongoDB: one archive by mongodump, with the oplog of the time it took, described at the moment at which that ended.

mongodump says where the oplog that it copies begins and how many entries it copied; the last of them is the moment that
a restore brings back. The server keeps the past for long enough to be read as it was then. While the dump runs
everything is described as it was when that began; what the oplog says was written to since is described again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enginedge.backup.shapes import Command, Dumped, Fingerprint, Repository, refuse_present
from enginedge.backup.sources import mongodb_contents as contents
from enginedge.backup.tools import environment, tool
from enginedge.errors import Unavailable
from enginedge.shell import run

if TYPE_CHECKING:
    from pymongo import MongoClient

ARCHIVE = "archive"
BEGINS = re.compile(r"oplog entry \{?(?:T:)?(\d+),? (?:I:)?(\d+)\}? still exists")
COUNTED = re.compile(r"dumped (\d+) oplog entr")


@dataclass(frozen=True)
class Server:
    """A mongod and a user of it; the password is in ``password_file``, of the form of the tools' own configuration."""

    host: str
    port: int
    user: str
    password_file: Path

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"

    def command(self, program: str, *arguments: str) -> Command:
        """One of MongoDB's programs, told of this server."""
        login = (f"--config={self.password_file}", f"--username={self.user}", "--authenticationDatabase=admin")
        return Command((tool(program), f"--host={self.host}", f"--port={self.port}", *login, *arguments))

    @contextmanager
    def connected(self) -> Iterator[MongoClient[Any]]:
        """A client whose failures are ours.

        Raises:
            Unavailable: the server does not answer, or breaks off.
        """
        import yaml
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        password = yaml.safe_load(self.password_file.read_text())["password"]
        try:
            client: MongoClient[Any]
            with MongoClient(
                self.host, self.port, username=self.user, password=password, directConnection=True,
                serverSelectionTimeoutMS=5000,
            ) as client:  # fmt: skip
                yield client
        except PyMongoError as failure:
            raise Unavailable(str(failure), where=self.where, remedy="look at `make logs S=mongodb`") from failure


@dataclass(frozen=True)
class MongoDB:
    """One replica set, all of it: what the oplog tells of cannot be taken apart by database."""

    server: Server

    def dump(self, into: Repository) -> Dumped:
        began, said = datetime.now(UTC), list[str]()
        whole = ("--oplog", "--archive", "--numParallelCollections=1", "-vv")
        with self.server.connected() as client, ThreadPoolExecutor(1) as pool:
            before = client.admin.command("ping")["operationTime"]  # also since mongodump would wait for half a minute
            saving = pool.submit(into.save_output, ARCHIVE, self.server.command("mongodump", *whole), said.append)
            known = contents.describe_meanwhile(client, before)
            archive = saving.result()
            moment = _end_of(client, "\n".join(said))
            found = contents.describe(client, moment, contents.unchanged(client, known, before, moment))
            contents.refuse_changed_collections(client, moment)
        version = run([tool("mongodump"), "--version"], environment=environment()).splitlines()[0]
        return Dumped(began, found, (archive,), {"mongodump": version})

    def restore(self, dumped: Dumped, repository: Repository, to: Server) -> None:
        refuse_present(self.present(to), to.where)
        with to.connected() as client:
            contents.drop_users_and_roles(client, but=to.user)
        (archive,) = dumped.objects
        repository.load_into(archive, to.command("mongorestore", "--archive", "--oplogReplay", "--stopOnError"))

    def present(self, at: Server) -> list[str]:
        with at.connected() as client:
            return contents.databases(client)

    def clear(self, at: Server, aside: Path | None) -> None:  # noqa: ARG002 - is no folder
        """Drop every user but the one who restores, so that nobody else writes, and then the databases."""
        with at.connected() as client:
            contents.drop_users_and_roles(client, but=at.user)
            for name in contents.databases(client):
                client.drop_database(name)

    def admit(self, to: Server) -> None:
        """Its users come back with the archive."""

    def fingerprint(self, at: Server) -> Fingerprint:
        with at.connected() as client:
            return contents.describe(client)


def _end_of(client: MongoClient[Any], said: str) -> Any:
    """The time of the last oplog entry that mongodump copied, from what it said."""
    from bson import Timestamp

    begins, counted = BEGINS.search(said), COUNTED.search(said)
    if begins is None or counted is None:
        raise Unavailable("mongodump does not say which part of the oplog it copied", where="mongodump")
    start = Timestamp(int(begins[1]), int(begins[2]))
    entries = client.local["oplog.rs"].find({"ts": {"$gte": start}}, {"ts": 1}).sort("$natural", 1)
    last = next(entries.skip(int(counted[1]) - 1).limit(1), None)
    if last is None:
        raise Unavailable("the oplog has rolled over what the dump needs", where="mongodb", remedy="enlarge the oplog")
    return last["ts"]
