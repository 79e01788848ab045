"""Installing one thing so that it is either wholly there or not at all.

An item's folder in the cache is named by the hash of its pins and appears by one rename, after everything in it was
written through to the disk. Whatever was interrupted before that is swept away by the next run. Two bootstraps from two
checkouts meet at a lock, which the system frees when its holder dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

UNUSED_AFTER_DAYS = 45


@dataclass(frozen=True)
class Cache:
    """The folder outside the checkout that holds everything installed, shared by all checkouts of a user."""

    root: Path

    @property
    def tools(self) -> Path:
        return self.root / "tools"

    @contextmanager
    def lock(self, name: str, *, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the lock ``name`` against other processes; ``waiting`` is called once if somebody has it."""
        with self._lock_file(name) as file:
            if not _locks(file):
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def lock_if_free(self, name: str) -> Iterator[bool]:
        """Hold the lock ``name`` if nobody has it; the value says whether it is held."""
        with self._lock_file(name) as file:
            yield _locks(file)

    def _lock_file(self, name: str) -> TextIO:
        path = self.root / "locks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w")


def _locks(file: TextIO) -> bool:
    """Whether the lock could be had at once."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class Item:
    """One thing in the cache: ``make`` fills an empty folder; ``provides`` names paths in it for the toolchain file."""

    name: str
    key: str
    lane: str
    make: Callable[[Path], None]
    provides: dict[str, str] = field(default_factory=dict)

    def folder(self, cache: Cache) -> Path:
        return cache.tools / f"{self.name}-{self.key}"

    def is_installed(self, cache: Cache) -> bool:
        return self.folder(cache).is_dir()

    def paths(self, cache: Cache) -> dict[str, str]:
        """The absolute path of everything that this item provides."""
        return {name: str(self.folder(cache) / relative) for name, relative in self.provides.items()}


def key_of(*parts: str | Path) -> str:
    """A short hash of texts and of the files' contents: whatever changes an item's content belongs in here."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:12]


def install(item: Item, cache: Cache, say: Callable[[str], None] = lambda _: None) -> None:
    """Make ``item`` be there, whole; does nothing when it is.

    Raises:
        Failed: it could not be made; nothing of it is seen as installed.
    """
    with cache.lock(f"lane-{item.lane}", waiting=lambda: say("waiting for another bootstrap")):
        if item.is_installed(cache):
            return
        say("installing")
        partial = cache.tools / f".{item.name}.partial"
        sweep(partial)
        partial.mkdir(parents=True)
        item.make(partial)
        write_through(partial)
        partial.rename(item.folder(cache))
        write_through_folder(cache.tools)


def sweep(folder: Path) -> None:
    """Delete ``folder`` and what is in it, read-only folders too (Go's module cache is made of them)."""
    if not folder.exists():
        return
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)
    shutil.rmtree(folder)


def write_through(folder: Path) -> None:
    """Return when every file and folder under ``folder`` is on the disk: a rename must not outrun its content."""
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                with path.open("rb") as handle:
                    os.fsync(handle.fileno())
        write_through_folder(Path(parent))


def write_through_folder(folder: Path) -> None:
    """Return when the names in ``folder`` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget_unused(cache: Cache, in_use: set[Path]) -> None:
    """Mark what is in use now, and delete the versions that no checkout has used for weeks."""
    oldest = time.time() - UNUSED_AFTER_DAYS * 86_400
    for folder in cache.tools.iterdir():
        if folder in in_use:
            os.utime(folder)
        elif not folder.name.endswith(".partial") and folder.stat().st_mtime < oldest:
            unused = folder.with_name(f".{folder.name.lstrip('.')}.unused")
            folder.rename(unused)  # at once, so that no half of it is ever taken for the whole
            sweep(unused)
