"""A stream of many named things, as a tar archive: in a stable order, described by the very bytes that were written.

What is copied while it is in use can't be read twice with the same result, so that the description is made of the same
bytes as the copy: count and digest of each group, where a group is a folder or a file.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import IO, Any

BLOCK = 64 * 1024  # what a pipe holds; larger ones are new memory each time, and a page fault for every 4 KiB of them


@dataclass(frozen=True)
class Entry:
    """One thing of ``size`` bytes, which are read from ``content`` before the next one is asked for.

    ``more`` is kept beside them: a content type, a mode.
    """

    name: str
    size: int
    content: IO[bytes]
    more: dict[str, str] = field(default_factory=dict)


@dataclass
class Description:
    """Count and digest of each group of what has passed by."""

    group: Callable[[str], str]
    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[str, Any] = field(default_factory=dict)

    def add(self, entry: Entry, content: bytes) -> None:
        """Count ``entry``, whose bytes have the digest ``content``."""
        name = self.group(entry.name)
        self.counts[name] = self.counts.get(name, 0) + 1
        told = repr((entry.name, entry.size, sorted(entry.more.items()))).encode()
        self.digests.setdefault(name, sha256()).update(told + content)

    def pass_by(self, entry: Entry) -> None:
        """Count ``entry``, which came from :func:`digested` and has been read to its end."""
        assert isinstance(entry.content, _Exactly)  # noqa: S101 - digested() makes no other
        self.add(entry, entry.content.digest.digest())

    @property
    def parts(self) -> dict[str, str]:
        return {name: f"{self.counts[name]} files, {self.digests[name].hexdigest()[:32]}" for name in self.counts}


def write(entries: Iterable[Entry], into: IO[bytes], group: Callable[[str], str]) -> dict[str, str]:
    """Write ``entries``, which come in the order of their names, and return their description.

    Raises:
        OSError: one of them has fewer bytes than it said.
    """
    described = Description(group)
    for entry in entries:
        member = tarfile.TarInfo(entry.name)
        member.size, member.pax_headers = entry.size, {f"ENGINEDGE.{k}": v for k, v in entry.more.items()}
        into.write(member.tobuf(tarfile.PAX_FORMAT))
        # tarfile's own stream copies each block many times over: the content goes straight through
        described.add(entry, _digested(entry, into.write))
        into.write(bytes(-entry.size % tarfile.BLOCKSIZE))
    into.write(bytes(2 * tarfile.BLOCKSIZE))
    return described.parts


def describe(entries: Iterable[Entry], group: Callable[[str], str]) -> dict[str, str]:
    """The description that :func:`write` would return."""
    described = Description(group)
    for entry in entries:
        described.add(entry, _digested(entry, lambda _: None))
    return described.parts


def read(archive: IO[bytes]) -> Iterator[Entry]:
    """What :func:`write` wrote."""
    # not as tarfile's own stream, which copies each block many times over
    with tarfile.open(fileobj=_Forwards(archive), mode="r:") as members:
        for member in members:
            kept = member.pax_headers
            more = {k.removeprefix("ENGINEDGE."): v for k, v in kept.items() if k.startswith("ENGINEDGE.")}
            # tarfile takes the slash from the end of a long or foreign name, which would make a file of a folder
            name = kept.get("path", member.name)
            yield Entry(name, member.size, members.extractfile(member) or io.BytesIO(), more)


def digested(entry: Entry) -> Entry:
    """``entry``, digested while somebody reads it."""
    return replace(entry, content=_Exactly(entry.content, entry.size))  # type: ignore[arg-type]


def _digested(entry: Entry, pass_on: Callable[[bytes], object]) -> bytes:
    """The digest of the bytes of ``entry``, each of which is passed on."""
    content = _Exactly(entry.content, entry.size)
    while block := content.read(BLOCK):
        pass_on(block)
    return content.digest.digest()


class _Forwards(io.RawIOBase):
    """A stream that knows how far it was read, and goes forwards only."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source, self.at = source, 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, position: int, _: int = 0) -> int:
        while self.at < position and self.read(min(position - self.at, BLOCK)):
            pass
        return self.at

    def read(self, size: int = -1) -> bytes:
        block = self.source.read(size)
        self.at += len(block)
        return block


class _Exactly(io.RawIOBase):
    """Reads exactly ``size`` bytes of ``source``, forwards only, and digests them."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self.source, self.left, self.digest = source, size, sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        block = self.source.read(wanted) if wanted else b""
        if wanted and not block:
            raise OSError(f"it ended {self.left} bytes early")
        self.left -= len(block)
        self.digest.update(block)
        return block
