"""Volumes' backups: the suite, and what only files have."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from enginedge.backup.scratch.folder import scratch_volume
from enginedge.backup.sources.volumes import Volume
from enginedge.backup.stores import Store
from enginedge.settings import settings
from tests.contracts.backup_source import CANARY, BackupSourceSuite, Taken


def folder() -> Path:
    return settings().state / "backup-suite"


@pytest.mark.stores
class TestVolumes(BackupSourceSuite):
    dumper = "enginedge.backup.sources.volumes"
    questions = 0

    def store(self) -> Store:
        return Store("backup-suite", Volume(folder()), scratch_volume, lambda _: folder())

    def live(self) -> Path:
        return folder()

    def unreachable(self) -> Volume:
        return Volume(folder() / "nowhere")

    def seed(self) -> None:
        shutil.rmtree(folder(), ignore_errors=True)
        (folder() / "deep" / "er").mkdir(parents=True)
        (folder() / "empty").mkdir()
        (folder() / "deep" / "er" / "ü file").write_text(f"content {CANARY}")
        (folder() / "large").write_bytes(bytes(range(256)) * 30_000)
        (folder() / "nothing").touch(mode=0o640)
        (folder() / "link").symlink_to("deep/er")

    def write(self, number: int) -> None:
        with (folder() / "log").open("a") as file:
            file.write(f"line {number}\n")
        passing = folder() / f"passing-{number % 3}"
        passing.write_text("here and gone")
        passing.unlink()

    def alter(self, target: Path) -> str:
        content = bytearray((target / "large").read_bytes())
        content[100] ^= 1
        (target / "large").write_bytes(content)
        return "file large is "

    def test_every_file_is_described_and_the_copy_is_called_what_it_is(self, taken: Taken) -> None:
        names = {"file deep/er/ü file", "file empty/", "file large", "file nothing", "file link", "file log"}
        assert names <= set(taken.manifest.dumped.fingerprint.parts)
        assert taken.manifest.dumped.consistency == "crash-consistent"

    @pytest.mark.parametrize("change", ["mode", "link", "missing", "more"])
    def test_a_change_of_any_kind_is_found(self, taken: Taken, restored: Any, change: str) -> None:
        before = taken.store.source.fingerprint(restored)
        if change == "mode":
            (restored / "nothing").chmod(0o600)
        elif change == "link":
            (restored / "link").unlink()
            (restored / "link").symlink_to("deep")
        elif change == "missing":
            (restored / "deep" / "er" / "ü file").unlink()
        else:
            (restored / "one more").touch()
        assert before.differences(taken.store.source.fingerprint(restored))
