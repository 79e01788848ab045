"""etcd: its own snapshot, described by what every key held at the snapshot's revision.

etcd tells the revision of a snapshot only to a tool that reads the file, so the snapshot lies on disk for a moment
(etcd itself holds 8 GB at most).
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from enginedge.backup import folders
from enginedge.backup.shapes import Command, Dumped, Fingerprint, Repository, refuse_present
from enginedge.backup.tools import environment, spool_folder, tool
from enginedge.errors import Unavailable
from enginedge.etcd import Client, Session
from enginedge.shell import run

SNAPSHOT = "snapshot.db"
DEPTH = 2  # parts are named by the first two steps of a key: /registry/pods


def ahead() -> int:
    """By how much to raise the revisions of a member that is restored now: more than the writes since any snapshot, and
    more than at any restore before, so that nobody watches a revision that is yet to come."""
    return int(time.time()) * 1000


@dataclass(frozen=True)
class Member:
    """A member that is yet to be: its data folder, its addresses, and what starts it once the folder is filled.

    ``ahead`` is by how much its revisions are raised: 0 where they are compared with the snapshot's.
    """

    client: Client
    peer: str
    data: Path
    start: Callable[[], object]
    ahead: int = 0

    @property
    def where(self) -> str:
        return str(self.data)


@dataclass(frozen=True)
class Etcd:
    """One cluster, read through one member."""

    client: Client

    def dump(self, into: Repository) -> Dumped:
        began = datetime.now(UTC)
        with spool_folder() as folder, self.client.connected() as session, ThreadPoolExecutor(1) as pool:
            path = folder / SNAPSHOT
            _, compacted = session.hashed()
            session.snapshot(path)
            saving = pool.submit(into.save_output, SNAPSHOT, Command(("cat", str(path))))
            status = json.loads(run([tool("etcdutl"), "snapshot", "status", "--write-out=json", str(path)]))
            found = describe(session, status["revision"])
            if session.hashed()[1] != compacted:  # the hash of the history depends on it
                raise Unavailable("its history was compacted meanwhile", where=self.client.url, remedy="try again")
            saved = saving.result()
        version = run([tool("etcdutl"), "version"], environment=environment()).splitlines()[0]
        return Dumped(began, found, (saved,), {"etcdutl": version})

    def restore(self, dumped: Dumped, repository: Repository, to: Member) -> None:
        """As it is where its revisions are to be compared. Where it is to have clients they are raised, and the history
        is marked as compacted: who watched it at a revision that was lost would else wait for what never comes, and
        now is told to list everything anew."""
        refuse_present(self.present(to), to.where)
        (snapshot,) = dumped.objects
        with spool_folder() as folder:
            path = folder / SNAPSHOT
            repository.load_into(snapshot, Command(("dd", f"of={path}", "bs=1M", "status=none")))
            member = ("--name=local", f"--initial-cluster=local={to.peer}", f"--initial-advertise-peer-urls={to.peer}")
            raised = (f"--bump-revision={to.ahead}", "--mark-compacted") if to.ahead else ()
            with folders.filled(to.data) as part:
                restored = [tool("etcdutl"), "snapshot", "restore", str(path), f"--data-dir={part}", *member, *raised]
                run(restored, environment=environment())
        to.start()

    def present(self, at: Member) -> list[str]:
        return folders.present(at.data)

    def clear(self, at: Member, aside: Path | None) -> None:
        folders.set_aside(at.data, aside)

    def admit(self, to: Member) -> None:
        """Nobody was kept out: its service is started afterwards."""

    def fingerprint(self, at: Member | Client) -> Fingerprint:
        with (at.client if isinstance(at, Member) else at).connected() as session:
            return describe(session)


def describe(session: Session, revision: int = 0) -> Fingerprint:
    """What the keys held at ``revision`` (0: now): count and digest by their first steps, and the history's hash."""
    counts: dict[str, int] = defaultdict(int)
    digests: dict[str, Any] = defaultdict(sha256)
    revision = revision or session.revision()
    for key, value in session.pairs(revision):
        part = "/".join(key.decode(errors="replace").split("/")[: DEPTH + 1])
        counts[part] += 1
        digests[part].update(b"%d:%b%d:%b" % (len(key), key, len(value), value))
    parts = {f"keys {part}": f"{counts[part]} keys, {digest.hexdigest()[:32]}" for part, digest in digests.items()}
    parts["history"] = f"revision {revision}, hash {session.hashed(revision)[0]}"
    parts["users and roles"] = sha256(repr(session.people()).encode()).hexdigest()[:32]
    return Fingerprint(parts)
