"""The keys of an etcd that begin with a prefix: read from a scratch member, and put into the running cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from enginedge.backup.drills import refuse_differences
from enginedge.backup.parts.shapes import Part, Scratch, beginning, refuse_unknown
from enginedge.backup.shapes import Dumped, Repository
from enginedge.backup.sources.etcd import Etcd, Member
from enginedge.errors import Misconfigured, Violated
from enginedge.etcd import Session

AT_ONCE = 100  # etcd takes 128 operations in one transaction
KEYS = "keys "


@dataclass(frozen=True)
class EtcdParts:
    """A part is a prefix of keys: ``/registry/pods/``. Leases are not restored: a key stays until it is deleted."""

    sets_aside: bool = False

    def check(self, part: Part, dumped: Dumped) -> None:
        names = {each.removeprefix(KEYS) for each in dumped.fingerprint.parts if each.startswith(KEYS)}
        if not beginning(part.what, names):
            refuse_unknown(part.what, names)

    def present(self, part: Part, at: Member) -> list[str]:
        with at.client.connected() as session:
            return [key.decode(errors="replace") for key, _ in islice(session.pairs(prefix=part.to.encode()), 3)]

    def restore(self, part: Part, dumped: Dumped, repository: Repository, to: Member, scratch: Scratch) -> int:
        with scratch() as there:
            source = Etcd(there.client)
            source.restore(dumped, repository, there)
            wanted = dumped.fingerprint
            refuse_differences(wanted.differences(source.fingerprint(there)), f"the scratch copy of {part.what}")
            with there.client.connected() as copy, to.client.connected() as session:
                if next(copy.pairs(prefix=part.what.encode()), None) is None:
                    raise Misconfigured(f"the backup has no key that begins with {part.what!r}", where="--only")
                session.delete(part.to.encode())
                _put(session, _renamed(copy, part))
                both = zip_longest(_renamed(copy, part), session.pairs(prefix=part.to.encode()))
                if any(one != other for one, other in both):
                    raise Violated(
                        "the keys are not what was dumped",
                        where=part.to,
                        untouched="the backup",
                        remedy="stop whoever writes them, and restore them again",
                    )
        return len(wanted.parts)


def _renamed(copy: Session, part: Part) -> Iterator[tuple[bytes, bytes]]:
    for key, value in copy.pairs(prefix=part.what.encode()):
        yield part.to.encode() + key[len(part.what.encode()) :], value


def _put(session: Session, pairs: Iterator[tuple[bytes, bytes]]) -> None:
    while some := list(islice(pairs, AT_ONCE)):
        session.put(some)
