"""The fence around the lake's files: while it is up, nothing is deleted that a backup points at.

The metastore's database names files in the lake's bucket and is dumped before the bucket, so that whoever deletes such
files in between (expiry of snapshots, removal of orphans) would leave a pair of backups that names what it lacks. The
dump of the database puts the fence up, and the dump of the bucket takes it down, whichever processes they are; a pair
that is never completed holds it up for :data:`HELD_AT_MOST`. Whoever deletes does so inside :func:`deleting`.

It is made of files, since neither a backup nor its fence may need a database that is down. Overwriting is not fenced: a
bucket keeps what was overwritten for days, and reads it as it was when the backup began. Nor is what Iceberg deletes as
it commits, the metadata from before a hundred commits.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from enginedge.errors import Unavailable
from enginedge.kernel_lock import taken
from enginedge.private_files import private_folder, write_private
from enginedge.settings import settings

HELD_AT_MOST = timedelta(hours=6)  # a night's backups are given five
PATIENCE_S = 600.0
ASK_EVERY_S = 0.5
BEGUN, DUMPED = ".begun", ".dumped"


@dataclass(frozen=True)
class Holder:
    """Who holds the fence up: the backup, from when on, and whether its dump has ended."""

    backup: str
    since: datetime
    dumped: bool

    @property
    def until(self) -> datetime:
        return self.since + HELD_AT_MOST


@contextmanager
def raised(backup: str, patience_s: float = PATIENCE_S) -> Iterator[bool]:
    """Dump what points at the lake's files inside the ``with``; the fence stays up afterwards, until what it points at
    is dumped too. It comes down at once where the dump fails.

    Yields:
        Whether it is up: where somebody has been deleting for longer than ``patience_s`` the backup is taken without
        it, since a backup is never given up for the fence.
    """
    begun = _folder() / f"{backup}{BEGUN}"
    up = _put_up(begun, time.monotonic() + patience_s)
    try:
        yield up
    except BaseException:
        begun.unlink(missing_ok=True)
        raise
    with suppress(FileNotFoundError):
        begun.rename(begun.with_suffix(DUMPED))


@contextmanager
def lowering() -> Iterator[bool]:
    """Dump the lake's files inside the ``with``: what was dumped before it gives up the fence when this ends well.

    Yields:
        True: this dump needs no fence of its own, since it reads everything as it was at one moment.
    """
    before = [each.backup for each in holders() if each.dumped]
    yield True
    for backup in before:
        (_folder() / f"{backup}{DUMPED}").unlink(missing_ok=True)


@contextmanager
def deleting(what: str) -> Iterator[None]:
    """Delete files of the lake inside the ``with``; no fence goes up meanwhile, and backups wait a while for the end.

    Args:
        what: what is going to be deleted, for the message.

    Raises:
        Unavailable: the fence is up, or somebody else is deleting; names who holds it and for how long at most.
    """
    with _locked() as lock:
        if not taken(lock):
            raise Unavailable(
                "somebody else deletes files of the lake, or a backup puts its fence up",
                where="the fence around the lake's files",
                untouched=what,
                remedy="run it again later",
            )
        if up := holders():
            said = ", ".join(f"{each.backup} since {each.since:%H:%M}" for each in up)
            raise Unavailable(
                f"the fence is up for the backup {said} UTC: it points at files that are not backed up yet",
                where="the fence around the lake's files",
                untouched=what,
                remedy="run it again when the buckets are backed up (`enginedge backup now --store minio`), or after "
                f"{max(each.until for each in up):%Y-%m-%d %H:%M} UTC",
            )
        yield


def holders() -> list[Holder]:
    """Who holds the fence up, oldest first; what has held it for too long is forgotten."""
    found = []
    for path in _folder().iterdir():
        if path.suffix not in (BEGUN, DUMPED):
            continue
        with suppress(FileNotFoundError):  # it came down meanwhile
            holder = Holder(path.stem, datetime.fromisoformat(path.read_text()), path.suffix == DUMPED)
            if holder.until > datetime.now(UTC):
                found.append(holder)
            else:
                path.unlink()
    return sorted(found, key=lambda each: each.since)


def _put_up(begun: Path, stop: float) -> bool:
    """Whether the fence went up before ``stop``."""
    with _locked() as lock:
        while not taken(lock, fcntl.LOCK_SH):
            if time.monotonic() >= stop:
                return False
            time.sleep(ASK_EVERY_S)
        write_private(begun, datetime.now(UTC).isoformat())
        return True


@contextmanager
def _locked() -> Iterator[IO[str]]:
    """The file whose lock whoever deletes holds alone."""
    with (_folder() / "lock").open("w") as lock:
        yield lock


def _folder() -> Path:
    return private_folder(settings().state / "run" / "lake-fence")
