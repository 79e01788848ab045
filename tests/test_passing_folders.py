"""A folder that goes with whoever made it, also where that one was killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from enginedge.passing_folders import passing_folder


def _killed_in(within: Path) -> None:
    with passing_folder(within, "killed") as folder:
        (folder / "secret").write_text("in the clear")
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_somebody_left_who_was_killed_goes_when_the_next_one_is_made(tmp_path: Path) -> None:
    killed = multiprocessing.get_context("fork").Process(target=_killed_in, args=(tmp_path,))
    killed.start()
    killed.join()
    (left,) = tmp_path.iterdir()
    with passing_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]
        assert not left.exists()
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_folders_of_who_is_at_work_stay(tmp_path: Path) -> None:
    with passing_folder(tmp_path, "one") as one:
        (one / "half").touch()
        with passing_folder(tmp_path, "other") as other:
            assert sorted(tmp_path.iterdir()) == [one, other]
        assert (one / "half").exists()
        assert not other.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_gone_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the suite"), passing_folder(tmp_path):
        raise OSError("the suite")
    assert list(tmp_path.iterdir()) == []
