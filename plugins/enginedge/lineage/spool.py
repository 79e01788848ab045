"""Reads what emitters left in the spool folder, each line once, whatever dies in between.

An emitter appends lines to a file of its own (Spark's listener: one file an application; openlineage-python: one file
an event), and needs neither the relay nor PostgreSQL to be up. The relay reads whole lines only, and writes down how
far it read in the transaction that stores what it read. A file is known by its inode and the digest of how it begins,
since inodes are used again. A line that is no event is set aside under ``rejected`` with the reason. A file that has
come to rest is moved to ``archive``, where it is still watched, and goes when it has rested there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import psycopg

from enginedge.errors import Unavailable
from enginedge.lineage.background import in_the_background
from enginedge.lineage.database import Connection, Database, is_about_a_value, one
from enginedge.lineage.events import Refused, read_event
from enginedge.lineage.naming import Names, without_logins
from enginedge.lineage.store import add

log = logging.getLogger(__name__)
BATCH_BYTES = 4 * 1024 * 1024
LONGEST_LINE = 64 * 1024 * 1024
BEGINNING = 512
POLL_S, LONGEST_PAUSE_S = 0.5, 10.0
ARCHIVE, REJECTED = "archive", "rejected"


@dataclass(frozen=True)
class Rests:
    """How long a file must have been left alone, in seconds.

    Attributes:
        torn: before a last line without an end is taken for whole, or for torn.
        archived: before the file is moved out of the emitters' way.
        removed: before it is removed from the archive.
    """

    torn: float = 60.0
    archived: float = 600.0
    removed: float = 3600.0


@dataclass
class Spool:
    """The spool in one folder, and how to read it into one database."""

    folder: Path
    database: Database
    names: Names
    rests: Rests = Rests()
    on_taken: Callable[[], None] = lambda: None
    _at_rest: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _trouble: str = ""

    def running(self) -> AbstractContextManager[None]:
        """Keep reading for as long as the context is open."""
        return in_the_background("spool", self._run, self._stop)

    def state(self) -> dict[str, Any]:
        """How many files there are, how many bytes have not been read, and what is in the way."""
        files = list(self._files())
        unread = sum(stat.st_size for _, stat in files if self._at_rest.get(_key(stat)) != _shape(stat))
        return {"files": len(files), "unreadBytes": unread, "trouble": self._trouble}

    def _run(self) -> None:
        pause = POLL_S
        while not self._stop.wait(pause):
            try:
                self.read()
                pause, self._trouble = POLL_S, ""
            except Exception as error:  # a reader that died would be missed by nobody
                if not self._trouble:
                    log.warning("the spool waits: %s", error, exc_info=not isinstance(error, Unavailable | OSError))
                pause, self._trouble = min(pause * 2, LONGEST_PAUSE_S), f"{type(error).__name__}: {error}"

    def read(self) -> int:
        """Read every file as far as its whole lines go; returns how many events were stored.

        Raises:
            Unavailable: PostgreSQL does not answer; what was not stored is read again.
        """
        taken = 0
        for path, stat in self._files():
            if self._at_rest.get(_key(stat)) != _shape(stat):
                taken += self._read_file(path)
            self._tidy(path)
        if taken:
            self.on_taken()
        return taken

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """The files of the folder and of its archive, the one that was written to first first."""
        found = []
        for folder in (self.folder, self.folder / ARCHIVE):
            folder.mkdir(parents=True, exist_ok=True)
            for entry in os.scandir(folder):
                if entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                    found.append((Path(entry.path), entry.stat()))
        return iter(sorted(found, key=lambda file: (file[1].st_mtime_ns, file[0].name)))

    def _read_file(self, path: Path) -> int:
        taken = 0
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return 0
        with file:
            while not self._stop.is_set():
                stat = os.fstat(file.fileno())
                rested = time.time() - stat.st_mtime > self.rests.torn
                stored, more = self._read_batch(file, path, stat, rested=rested)
                taken += stored
                if not more:
                    if rested or self._is_read(file, stat):
                        self._at_rest[_key(stat)] = _shape(stat)
                    break
        return taken

    def _is_read(self, file: BinaryIO, stat: os.stat_result) -> bool:
        return file.tell() == stat.st_size

    def _read_batch(self, file: BinaryIO, path: Path, stat: os.stat_result, *, rested: bool) -> tuple[int, bool]:
        """Store the next lines and where they end, in one transaction; tells how many, and if there may be more."""
        file.seek(0)
        beginning = file.read(BEGINNING)
        if b"\n" not in beginning and len(beginning) < BEGINNING and not rested:
            return 0, False
        born = hashlib.sha256(beginning.partition(b"\n")[0]).hexdigest()
        with self.database.writing() as connection:
            known = _known(connection, stat.st_ino, born, path)
            file.seek(known["position"])
            lines = _lines(file, rested=rested)
            stored = sum(
                self._take(connection, line, _shown(path.name), known["line"] + n)
                for n, line in enumerate(lines, 1)
                if line.strip()
            )
            position = known["position"] + sum(map(len, lines))
            file.seek(position)
            if lines:
                connection.execute(
                    """update spool_file set position = %s, line = line + %s, path = %s, read_at = clock_timestamp()
                       where inode = %s and born = %s""",
                    [position, len(lines), _shown(path), stat.st_ino, born],
                )
        return stored, bool(lines)

    def _take(self, connection: Connection, line: bytes, name: str, number: int) -> int:
        """Store the event in one line; one that is none is set aside, and does not keep the rest of its file back."""
        try:
            event = read_event(line, self.names)
            with connection.transaction():
                return add(connection, event, f"spool:{name}")
        except Exception as error:  # whatever a producer wrote, the lines after it count
            if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not is_about_a_value(error):
                raise
            told = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            self._reject(connection, line, name, number, told[:2000].replace("\0", "\ufffd"))
            return 0

    def _reject(self, connection: Connection, line: bytes, name: str, number: int, reason: str) -> None:
        text = without_logins(line.decode(errors="replace").rstrip("\n").replace("\0", "\ufffd"))
        connection.execute(
            "insert into rejected (origin, line, reason, text) values (%s, %s, %s, %s) on conflict do nothing",
            [name, number, reason, text],
        )
        aside = self.folder / REJECTED
        aside.mkdir(exist_ok=True)
        digest = hashlib.sha256(f"{name}\0{number}\0".encode() + line).hexdigest()[:16]
        told = {"origin": name, "line": number, "reason": reason, "text": text}
        (aside / f"{digest}.json").write_text(json.dumps(told, ensure_ascii=False, indent=1))
        log.warning("line %s of %s was set aside: %s", number, name, reason)

    def _tidy(self, path: Path) -> None:
        """Move a file that has come to rest, and is read to its end, to the archive; remove it when it has rested
        there.
        """
        try:
            stat = path.stat()
        except FileNotFoundError:
            return
        if self._at_rest.get(_key(stat)) != _shape(stat):
            return
        age = time.time() - stat.st_mtime
        if path.parent.name == ARCHIVE and age > self.rests.removed:
            path.unlink()
            self._at_rest.pop(_key(stat), None)
        elif path.parent == self.folder and age > self.rests.archived:
            path.rename(self.folder / ARCHIVE / f"{path.name}.{stat.st_ino}")


def _shown(path: Path | str) -> str:
    """``path`` as text that can be written down: a file's name may be any bytes."""
    return os.fsencode(path).decode(errors="replace")


def _key(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def _shape(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns


def _known(connection: Connection, inode: int, born: str, path: Path) -> dict[str, Any]:
    """How far the file has been read."""
    connection.execute(
        "insert into spool_file (inode, born, path) values (%s, %s, %s) on conflict do nothing",
        [inode, born, _shown(path)],
    )
    return one(connection, "select * from spool_file where inode = %s and born = %s", [inode, born]) or {}


def _lines(file: BinaryIO, *, rested: bool) -> list[bytes]:
    """The next whole lines, some megabytes of them; of a file at rest also a last one without an end."""
    lines: list[bytes] = []
    size = 0
    while size < BATCH_BYTES:
        line = file.readline(LONGEST_LINE)
        if not line or not (line.endswith(b"\n") or rested or len(line) >= LONGEST_LINE):
            break
        lines.append(line)
        size += len(line)
    return lines
