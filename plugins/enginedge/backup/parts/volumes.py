"""A file or folder of a volume: put beside its place, compared there, and renamed to it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from enginedge.backup import archive, folders
from enginedge.backup.drills import refuse_differences
from enginedge.backup.parts.shapes import Part, Scratch, refuse_unknown
from enginedge.backup.shapes import Command, Dumped, Fingerprint, Repository
from enginedge.backup.sources import volumes
from enginedge.errors import Misconfigured

PREFIX = "file "


@dataclass(frozen=True)
class VolumeParts:
    """A part is a path below the volume's folder."""

    sets_aside: bool = True

    def check(self, part: Part, dumped: Dumped) -> None:
        files = [PurePosixPath(name.removeprefix(PREFIX)) for name in dumped.fingerprint.parts]
        folders_too = {str(each) for file in files for each in (file, *file.parents)} - {"."}
        refuse_unknown(part.what, folders_too)
        to = PurePosixPath(part.to)
        if to.is_absolute() or ".." in to.parts:
            raise Misconfigured(f"{part.to!r} leads out of the folder", where="--as", remedy="give a path below it")

    def present(self, part: Part, at: Path) -> list[str]:
        there = at / part.to
        if not there.parent.resolve().is_relative_to(at.resolve()):
            raise Misconfigured(
                "a link leads out of it",
                where=str(there),
                untouched="everything",
                remedy="take the link away, or restore it under another name (--as)",
            )
        return [str(there)] if there.exists() or there.is_symlink() else []

    def restore(
        self,
        part: Part,
        dumped: Dumped,
        repository: Repository,
        to: Path,
        scratch: Scratch,  # noqa: ARG002 - needs none
    ) -> int:
        (saved,) = dumped.objects
        wanted = {name: told for name, told in dumped.fingerprint.parts.items() if _is_in(part.what, name)}
        with folders.emptied(to / f".{PurePosixPath(part.to).name}.restoring") as beside:
            argv = (sys.executable, "-m", volumes.__name__, "load", str(beside), part.what)
            repository.load_into(saved, Command(argv))
            found = archive.describe(volumes.entries(beside), volumes.part)
            refuse_differences(Fingerprint(wanted).differences(Fingerprint(found)), f"{to}/{part.to}")
            there = to / part.to
            if self.present(part, to):
                folders.set_aside(there)
            there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (beside / part.what).rename(there)
        return len(wanted)


def _is_in(what: str, name: str) -> bool:
    return volumes.is_in(what, name.removeprefix(PREFIX))
