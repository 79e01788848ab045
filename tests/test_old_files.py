"""What nobody has written to for long goes; what somebody may still write to stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from enginedge.old_files import remove_old_files


def written(path: Path, days_ago: float) -> Path:
    os.utime(path, (time.time() - days_ago * 86_400,) * 2, follow_symlinks=False)
    return path


def test_old_files_go_and_young_ones_stay_at_any_depth(tmp_path: Path) -> None:
    deep = tmp_path / "run" / "task"
    deep.mkdir(parents=True)
    for name in ("old", "young"):
        for folder in (tmp_path, deep):
            (folder / name).touch()
            written(folder / name, 61 if name == "old" else 59)
    remove_old_files(tmp_path, 60)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        "young",
        "run/task/young",
    }


def test_a_folder_that_was_just_emptied_stays_until_it_has_been_empty_for_as_long(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "log").touch()
    written(folder / "log", 61)
    remove_old_files(tmp_path, 60)
    assert list(tmp_path.iterdir()) == [folder]
    written(folder, 61)
    remove_old_files(tmp_path, 60)
    assert list(tmp_path.iterdir()) == []


def test_what_a_link_leads_to_is_left_alone(tmp_path: Path) -> None:
    logs, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    logs.mkdir()
    elsewhere.mkdir()
    (elsewhere / "old").touch()
    written(elsewhere / "old", 61)
    (logs / "latest").symlink_to(elsewhere)
    written(logs / "latest", 61)
    remove_old_files(logs, 60)
    assert (logs / "latest" / "old").exists()
