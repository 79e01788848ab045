"""The fence around the lake's files: backups put it up in one process and take it down in another, and are never kept
waiting by what it keeps out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from enginedge import fence
from enginedge.backup import night
from enginedge.errors import Unavailable
from enginedge.settings import Settings, settings
from tests.installation import ROOT

DELETE = """
import sys, time
from enginedge import fence
with fence.deleting("expired snapshots"):
    print("deletes", flush=True)
    time.sleep(float(sys.argv[1]))
"""
DELETES_FILES = re.compile(r"expire_?snapshots|(remove|delete)_?orphan_?files|purge", re.IGNORECASE)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    here = Settings(settings().root, tmp_path, tmp_path / "secrets")
    monkeypatch.setattr(fence, "settings", lambda: here)
    monkeypatch.setattr(night, "settings", lambda: here)
    return tmp_path


def deleting(state: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process, which deletes for some seconds."""
    environment = {**os.environ, "ENGINEDGE_STATE": str(state)}
    argv = [sys.executable, "-c", DELETE, str(seconds)]
    return subprocess.Popen(argv, cwd=ROOT / "plugins", env=environment, stdout=subprocess.PIPE, text=True)


def refused() -> bool:
    try:
        with fence.deleting("expired snapshots"):
            return False
    except Unavailable:
        return True


def test_it_stays_up_from_the_dump_of_the_pointers_to_the_end_of_the_dump_of_the_files() -> None:
    assert not refused()
    with fence.raised("20261128T010000Z-aa") as up:
        assert up
        assert refused()
    assert refused(), "the files are not dumped yet"
    with fence.lowering():
        assert refused(), "they are being dumped"
    assert not refused()


def test_who_is_kept_out_is_told_by_whom_and_until_when() -> None:
    with fence.raised("20261128T010000Z-aa"), pytest.raises(Unavailable) as caught, fence.deleting("expired snapshots"):
        raise AssertionError("it deletes")
    said = str(caught.value)
    until = datetime.now(UTC) + fence.HELD_AT_MOST
    assert "20261128T010000Z-aa" in said
    assert "Not touched: expired snapshots" in said
    assert f"{until:%Y-%m-%d}" in said


def test_a_dump_that_fails_leaves_no_fence() -> None:
    with pytest.raises(ZeroDivisionError), fence.raised("20261128T010000Z-aa"):
        raise ZeroDivisionError
    assert not refused()


def test_files_whose_dump_fails_stay_fenced() -> None:
    with fence.raised("20261128T010000Z-aa"):
        pass
    with pytest.raises(ZeroDivisionError), fence.lowering():
        raise ZeroDivisionError
    assert refused()


def test_a_dump_of_the_files_that_began_before_the_pointers_were_dumped_takes_nothing_down() -> None:
    with fence.lowering(), fence.raised("20261128T010000Z-aa"):
        pass
    assert refused()


def test_a_pair_that_is_never_completed_does_not_keep_it_up_for_good(own_folder: Path) -> None:
    with fence.raised("20261128T010000Z-aa"):
        pass
    (held,) = (own_folder / "run" / "lake-fence").glob("*.dumped")
    held.write_text((datetime.now(UTC) - fence.HELD_AT_MOST - timedelta(seconds=1)).isoformat())
    assert not refused()


def test_a_backup_waits_for_who_is_deleting(own_folder: Path) -> None:
    with deleting(own_folder, 1.5) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "deletes\n"
        began = time.monotonic()
        with fence.raised("20261128T010000Z-aa", patience_s=60) as up:
            assert up
        assert time.monotonic() - began > 0.5
    assert refused()


def test_a_backup_is_taken_without_it_where_who_is_deleting_never_ends(own_folder: Path) -> None:
    with deleting(own_folder, 600) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "deletes\n"
        with fence.raised("20261128T010000Z-aa", patience_s=0.1) as up:
            assert not up
        other.kill()
    assert not refused(), "the lock went with its holder"


def test_two_do_not_delete_at_once(own_folder: Path) -> None:
    with deleting(own_folder, 600) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "deletes\n"
        assert refused()
        other.kill()


def test_the_backups_of_both_stores_go_through_it() -> None:
    with night._fenced("postgres", "20261128T010000Z-aa"):
        pass
    with night._fenced("mongodb", "20261128T010000Z-bb"):
        pass
    assert [each.backup for each in fence.holders()] == ["20261128T010000Z-aa"]
    with night._fenced("minio", "20261128T020000Z-cc"):
        pass
    assert fence.holders() == []


def test_whatever_deletes_files_of_the_lake_does_it_inside() -> None:
    folders = ("plugins", "spark_jobs", "dags", "sql", "deploy")
    texts = {path: path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")}
    named = [path for path, text in texts.items() if DELETES_FILES.search(text) and path.name != "fence.py"]
    assert [path for path in named if "fence.deleting(" not in texts[path]] == []
