"""A volume: the files of a running program, each copied and digested in one reading.

The program goes on writing meanwhile, so the copy is what a crash would leave behind, and is labelled so; Kafka and
Redis recover from that by themselves. A restored tree is compared with exactly the bytes that were copied.
"""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from enginedge.backup import archive, folders
from enginedge.backup.shapes import Command, Dumped, Fingerprint, Repository, refuse_present
from enginedge.backup.tools import spool_folder
from enginedge.errors import Unavailable
from enginedge.private_files import private_folder

ARCHIVE = "volume.tar"
LINK = "link"


@dataclass(frozen=True)
class Volume:
    """One folder with all that is in it."""

    folder: Path

    def dump(self, into: Repository) -> Dumped:
        if not self.folder.is_dir():
            raise Unavailable("there is no such folder", where=str(self.folder), remedy="has its service ever run?")
        began = datetime.now(UTC)
        with spool_folder() as folder:
            told = folder / "parts.json"
            stream = Command((sys.executable, "-m", __name__, "dump", str(self.folder), str(told)))
            saved = into.save_output(ARCHIVE, stream)
            parts = json.loads(told.read_text())
        return Dumped(began, Fingerprint(parts), (saved,), {"python": platform.python_version()}, "crash-consistent")

    def restore(self, dumped: Dumped, repository: Repository, to: Path) -> None:
        refuse_present(self.present(to), str(to))
        (saved,) = dumped.objects
        with folders.filled(to) as beside:
            private_folder(beside)
            repository.load_into(saved, Command((sys.executable, "-m", __name__, "load", str(beside))))

    def present(self, at: Path) -> list[str]:
        return folders.present(at)

    def clear(self, at: Path, aside: Path | None) -> None:
        folders.set_aside(at, aside)

    def admit(self, to: Path) -> None:
        """Nobody was kept out: its service is started afterwards."""

    def fingerprint(self, at: Path) -> Fingerprint:
        return Fingerprint(archive.describe(entries(at), part))


def entries(folder: Path) -> Iterator[archive.Entry]:
    """Every file, link and empty folder, in the order of their names; what goes away meanwhile is left out."""
    for path in sorted(_kept(folder)):
        name, nothing = str(path.relative_to(folder)), io.BytesIO()
        with suppress(FileNotFoundError, NotADirectoryError):
            more = {"mode": oct(stat.S_IMODE(path.lstat().st_mode))}
            if path.is_symlink():
                yield archive.Entry(name, 0, nothing, {LINK: str(path.readlink())})
            elif path.is_dir():
                yield archive.Entry(f"{name}/", 0, nothing, more)
            else:
                with path.open("rb") as content:
                    yield archive.Entry(name, os.fstat(content.fileno()).st_size, content, more)


def _kept(folder: Path) -> Iterator[Path]:
    """Every file and link below ``folder``, and every folder with nothing of that kind in it.

    Raises:
        OSError: one of the folders cannot be read.
    """
    for at, below, names in os.walk(folder, onerror=_refuse_unreadable):
        links = [name for name in below if Path(at, name).is_symlink()]
        found = [Path(at, name) for name in (*links, *names)]
        kept = [path for path in found if path.is_symlink() or path.is_file()]
        yield from kept if kept or len(below) > len(links) or Path(at) == folder else [Path(at)]


def _refuse_unreadable(error: OSError) -> None:
    """A folder that went away while its parent was listed is none; any other failure would leave something out."""
    if not isinstance(error, FileNotFoundError):
        raise error


def part(name: str) -> str:
    """The part of the fingerprint that the file ``name`` is."""
    return f"file {name}"


def is_in(what: str, name: str) -> bool:
    """Whether the file or empty folder ``name`` is ``what``, or below it."""
    return name.rstrip("/") == what or name.startswith(f"{what}/")


def _dump(folder: Path, told: Path) -> None:
    parts = archive.write(entries(folder), sys.stdout.buffer, part)
    told.write_text(json.dumps(parts))


def _load(folder: Path, what: str) -> None:
    """Write ``what`` of the archive, or all of it, below ``folder``."""
    for entry in archive.read(sys.stdin.buffer):
        if what and not is_in(what, entry.name):
            continue
        path = folder / entry.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if LINK in entry.more:
            path.symlink_to(entry.more[LINK])
            continue
        if entry.name.endswith("/"):
            path.mkdir()
        else:
            with path.open("wb") as file:
                shutil.copyfileobj(entry.content, file, archive.BLOCK)
        path.chmod(int(entry.more["mode"], 8))


if __name__ == "__main__":
    verb, at, *rest = sys.argv[1:]
    _dump(Path(at), Path(rest[0])) if verb == "dump" else _load(Path(at), "".join(rest))
