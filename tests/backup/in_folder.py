"""The same repository in a folder, where nothing but restic itself notices damage, and ways to damage it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from enginedge.backup.locations import PLACES, Location
from enginedge.backup.object_store import object_store
from enginedge.backup.repository import PASSWORD, Restic
from enginedge.private_files import private_folder, write_private
from enginedge.settings import Settings, settings
from tests.backup.quick_key import quicken_folder


@dataclass(frozen=True)
class InFolder(Restic):
    """A repository in ``folder``."""

    folder: Path = Path("/nowhere")

    @property
    def address(self) -> str:
        return str(self.folder)

    def create(self, like: Restic | None = None) -> None:
        super().create(like)
        quicken_folder(self, self.folder)


@contextmanager
def installation_in(folder: Path) -> Iterator[None]:
    """An installation that has nothing but what a repository needs: its passwords, the tools, and room."""
    installation = Settings(settings().root, private_folder(folder / "state"), folder / "secrets")
    for name in (PASSWORD, PLACES[Location.OFFSITE].password, "minio-backup", "minio-backup-pruner"):
        write_private(installation.secrets / name, f"the test's own {name}")
    shutil.copy(settings().root / ".state" / "toolchain.json", installation.state)
    with pytest.MonkeyPatch.context() as patched:
        for module in ("repository", "tools", "object_store"):
            patched.setattr(f"enginedge.backup.{module}.settings", lambda: installation)
        yield


@contextmanager
def repository_in(folder: Path) -> Iterator[InFolder]:
    """An empty repository, with an installation of its own around it."""
    with installation_in(folder):
        found = InFolder(object_store("backup"), folder=folder / "whole")
        found.create()
        yield found


def files_of(folder: Path, kind: str = "") -> list[Path]:
    """The repository's files, sorted; of one ``kind`` (data, index, snapshots, keys, config) where it is given."""
    return [each for each in sorted(folder.rglob("*")) if each.is_file() and kind in str(each.relative_to(folder))]


def flip(path: Path, position: int, chance: Random) -> None:
    """Turn one bit of the byte at ``position``."""
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << chance.randrange(8)
    path.chmod(0o600)
    path.write_bytes(content)
