"""etcd's client: what the backups ask of a member, by the gRPC interface of etcd 3.

Its own command line wants a password in an argument or in the environment; its JSON gateway takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from enginedge.errors import Unavailable, Violated
from enginedge.etcd_messages import PACKAGE, messages

if TYPE_CHECKING:
    import grpc

PAGE = 2000
TIMEOUT_S = 60
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.keepalive_time_ms", 20_000),  # a member that hangs is noticed in the middle of a stream, too
    ("grpc.keepalive_timeout_ms", 40_000),
]
Pair = tuple[bytes, bytes]


@dataclass(frozen=True)
class Client:
    """An etcd's client address and its user ``root``, whose password is in ``password_file``."""

    url: str
    password_file: Path

    @contextmanager
    def connected(self) -> Iterator[Session]:
        """A session that has logged in.

        Raises:
            Unavailable: etcd does not answer, or refuses, then or later.
        """
        import grpc

        try:
            with grpc.insecure_channel(urlsplit(self.url).netloc, options=OPTIONS) as channel:
                password = self.password_file.read_text().strip()
                said = Session(channel, self.url).ask(
                    "Auth/Authenticate", "Authenticate", name="root", password=password
                )
                yield Session(channel, self.url, (("token", said.token),))
        except grpc.RpcError as refused:
            remedy = "look at `make logs S=etcd`"
            raise Unavailable(f"etcd answered: {refused.details()}", where=self.url, remedy=remedy) from refused


@dataclass(frozen=True)
class Session:
    """What can be asked of a member; each call may raise gRPC's own error, which :meth:`Client.connected` turns."""

    channel: grpc.Channel
    url: str
    token: tuple[tuple[str, str], ...] = ()

    def ask(self, method: str, message: str, **fields: Any) -> Any:
        """The answer to one call of ``method`` with the request that is named after ``message``."""
        known = messages()
        answer = known[f"{message}Response"].FromString
        call = self.channel.unary_unary(f"/{PACKAGE}.{method}", known[f"{message}Request"].SerializeToString, answer)
        return call(known[f"{message}Request"](**fields), metadata=self.token, timeout=TIMEOUT_S)

    def revision(self) -> int:
        """The newest revision."""
        return int(self.ask("KV/Range", "Range", key=b"\0", limit=1).header.revision)

    def pairs(self, revision: int = 0, prefix: bytes = b"") -> Iterator[Pair]:
        """Every key that begins with ``prefix``, with its value as of ``revision`` (0: now), in order of the keys."""
        start, end = prefix or b"\0", end_of(prefix)
        while True:
            page = self.ask("KV/Range", "Range", key=start, range_end=end, limit=PAGE, revision=revision)
            yield from ((each.key, each.value) for each in page.kvs)
            if not page.more:
                return
            start = page.kvs[-1].key + b"\0"

    def put(self, pairs: Iterable[Pair]) -> None:
        """Write ``pairs`` in one transaction, of which etcd takes up to 128."""
        puts = [{"request_put": {"key": key, "value": value}} for key, value in pairs]
        self.ask("KV/Txn", "Txn", success=puts)

    def delete(self, prefix: bytes) -> None:
        """Delete every key that begins with ``prefix``."""
        self.ask("KV/DeleteRange", "DeleteRange", key=prefix, range_end=end_of(prefix))

    def hashed(self, revision: int = 0) -> tuple[int, int]:
        """etcd's hash of its history up to ``revision`` (0: now), and the revision up to which it is forgotten."""
        said = self.ask("Maintenance/HashKV", "HashKV", revision=revision)
        return said.hash, said.compact_revision

    def people(self) -> list[list[str]]:
        """The names of its users, and those of its roles."""
        users, roles = (self.ask(f"Auth/{kind}List", f"Auth{kind}List") for kind in ("User", "Role"))
        return [list(users.users), list(roles.roles)]

    def snapshot(self, path: Path) -> None:
        """Write etcd's snapshot of itself to ``path``.

        Raises:
            Violated: it ended before its end.
        """
        known = messages()
        call = self.channel.unary_stream(
            f"/{PACKAGE}.Maintenance/Snapshot",
            known["SnapshotRequest"].SerializeToString,
            known["SnapshotResponse"].FromString,
        )
        left = -1
        with path.open("wb") as file:
            for said in call(known["SnapshotRequest"](), metadata=self.token):
                file.write(said.blob)
                left = said.remaining_bytes
        if left != 0:
            raise Violated("the snapshot ended before its end", where=self.url, remedy="back it up again")


def end_of(prefix: bytes) -> bytes:
    """The first key that does not begin with ``prefix``, as etcd wants the end of a range; of all keys, none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\0"
