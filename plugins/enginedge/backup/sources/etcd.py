"""etcd: its own snapshot, described by what every key held at the snapshot's revision.

etcd tells the revision of a snapshot only to a tool that reads the file, so the snapshot lies on disk for a moment
(etcd itself holds 8 GB at most). It is fetched through the JSON gateway, since etcdctl wants a password in an argument
or in the environment.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from enginedge.backup import folders
from enginedge.backup.shapes import Command, Dumped, Fingerprint, Repository, refuse_present
from enginedge.backup.tools import environment, tool
from enginedge.errors import Unavailable, Violated
from enginedge.private_files import private_folder
from enginedge.settings import settings
from enginedge.shell import run

if TYPE_CHECKING:
    import httpx

SNAPSHOT = "snapshot.db"
PAGE = 2000
DEPTH = 2  # parts are named by the first two steps of a key: /registry/pods


@dataclass(frozen=True)
class Client:
    """An etcd's client address and its user ``root``, whose password is in ``password_file``."""

    url: str
    password_file: Path

    @contextmanager
    def connected(self) -> Iterator[httpx.Client]:
        """A client that has logged in.

        Raises:
            Unavailable: etcd does not answer, or refuses.
        """
        import httpx

        try:
            with httpx.Client(base_url=f"{self.url}/v3", timeout=60) as client:
                login = {"name": "root", "password": self.password_file.read_text().strip()}
                client.headers["Authorization"] = asked(client, "auth/authenticate", **login)["token"]
                yield client
        except httpx.HTTPError as failure:
            raise Unavailable(str(failure), where=self.url, remedy="look at `make logs S=etcd`") from failure


@dataclass(frozen=True)
class Member:
    """A member that is yet to be: its data folder, its addresses, and what starts it once the folder is filled."""

    client: Client
    peer: str
    data: Path
    start: Callable[[], object]

    @property
    def where(self) -> str:
        return str(self.data)


@dataclass(frozen=True)
class Etcd:
    """One cluster, read through one member."""

    client: Client

    def dump(self, into: Repository) -> Dumped:
        began = datetime.now(UTC)
        spool = private_folder(settings().state / "spool")
        with TemporaryDirectory(dir=spool) as folder, self.client.connected() as client, ThreadPoolExecutor(1) as pool:
            path = Path(folder) / SNAPSHOT
            compacted = _compacted(client)
            _fetch(client, path)
            saving = pool.submit(into.save_output, SNAPSHOT, Command(("cat", str(path))))
            status = json.loads(run([tool("etcdutl"), "snapshot", "status", "--write-out=json", str(path)]))
            found = describe(client, status["revision"])
            if _compacted(client) != compacted:
                raise Unavailable("its history was compacted meanwhile", where=self.client.url, remedy="try again")
            saved = saving.result()
        version = run([tool("etcdutl"), "version"], environment=environment()).splitlines()[0]
        return Dumped(began, found, (saved,), {"etcdutl": version})

    def restore(self, dumped: Dumped, repository: Repository, to: Member) -> None:
        """As it is, with its revisions: a cluster that has clients wants them bumped and marked as compacted."""
        refuse_present(self.present(to), to.where)
        (snapshot,) = dumped.objects
        with TemporaryDirectory(dir=private_folder(settings().state / "spool")) as folder:
            path = Path(folder) / SNAPSHOT
            repository.load_into(snapshot, Command(("dd", f"of={path}", "bs=1M", "status=none")))
            member = ("--name=local", f"--initial-cluster=local={to.peer}", f"--initial-advertise-peer-urls={to.peer}")
            with folders.filled(to.data) as part:
                restored = [tool("etcdutl"), "snapshot", "restore", str(path), f"--data-dir={part}", *member]
                run(restored, environment=environment())
        to.start()

    def present(self, at: Member) -> list[str]:
        return folders.present(at.data)

    def clear(self, at: Member) -> str:
        return str(folders.set_aside(at.data))

    def admit(self, to: Member) -> None:
        """Nobody was kept out: its service is started afterwards."""

    def fingerprint(self, at: Member | Client) -> Fingerprint:
        with (at.client if isinstance(at, Member) else at).connected() as client:
            return describe(client)


def describe(client: httpx.Client, revision: int = 0) -> Fingerprint:
    """What the keys held at ``revision`` (0: now): count and digest by their first steps, and the history's hash."""
    counts: dict[str, int] = defaultdict(int)
    digests: dict[str, Any] = defaultdict(sha256)
    revision = revision or int(asked(client, "kv/range", key="AA==", limit=1)["header"]["revision"])
    for key, value in pairs(client, revision):
        part = "/".join(key.decode(errors="replace").split("/")[: DEPTH + 1])
        counts[part] += 1
        digests[part].update(b"%d:%b%d:%b" % (len(key), key, len(value), value))
    parts = {f"keys {part}": f"{counts[part]} keys, {digest.hexdigest()[:32]}" for part, digest in digests.items()}
    hashed = asked(client, "maintenance/hashkv", revision=revision)
    people = [asked(client, f"auth/{kind}/list").get(f"{kind}s", []) for kind in ("user", "role")]
    parts["history"] = f"revision {revision}, hash {hashed['hash']}"
    parts["users and roles"] = sha256(repr(people).encode()).hexdigest()[:32]
    return Fingerprint(parts)


def pairs(client: httpx.Client, revision: int = 0, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """Every key that begins with ``prefix`` with its value as of ``revision`` (0: now), in the order of the keys."""
    start, end = prefix or b"\0", text(end_of(prefix))
    while True:
        page = asked(client, "kv/range", key=text(start), range_end=end, limit=PAGE, revision=revision)
        for each in page.get("kvs", ()):
            yield base64.b64decode(each["key"]), base64.b64decode(each.get("value", ""))
        if not page.get("more"):
            return
        start = base64.b64decode(page["kvs"][-1]["key"]) + b"\0"


def _fetch(client: httpx.Client, path: Path) -> None:
    """Write etcd's snapshot to ``path``."""
    left = -1
    with client.stream("POST", "maintenance/snapshot", json={}) as answer, path.open("wb") as file:
        for line in answer.iter_lines():
            said = json.loads(line)
            if "result" not in said:
                raise Unavailable(f"the snapshot broke off: {said}", where=str(client.base_url), remedy="try again")
            file.write(base64.b64decode(said["result"].get("blob", "")))
            left = int(said["result"].get("remaining_bytes", 0))
    if left != 0:
        raise Violated("the snapshot ended before its end", where=str(client.base_url), remedy="back it up again")


def _compacted(client: httpx.Client) -> str:
    """The revision up to which etcd has forgotten its history; the hash of the history depends on it."""
    return str(asked(client, "maintenance/hashkv").get("compact_revision", 0))


def asked(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    """etcd's answer to one call of its JSON gateway.

    Raises:
        Unavailable: it refuses.
    """
    answer = client.post(path, json=body)
    said: dict[str, Any] = answer.json()
    if answer.is_error:
        raise Unavailable(f"{path}: {said.get('message', answer.text)}", where=str(client.base_url))
    return said


def end_of(prefix: bytes) -> bytes:
    """The first key that does not begin with ``prefix``, as etcd wants the end of a range; of all keys, none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\0"


def text(raw: bytes) -> str:
    """``raw`` as the JSON gateway wants it."""
    return base64.b64encode(raw).decode()
