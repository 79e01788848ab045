"""What of a folder is copied: all that is there, or the copy fails; what goes away meanwhile is no failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from enginedge.backup.sources import volumes

#: Root reads everything, unless it gives up the capabilities by which it does.
AS_ANYBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")


def test_a_folder_that_cannot_be_read_fails_the_copy(tmp_path: Path) -> None:
    closed = tmp_path / "volume" / "closed"
    closed.mkdir(parents=True)
    (closed / "file").write_text("of which no backup would know")
    closed.chmod(0)
    argv = [*(AS_ANYBODY if os.geteuid() == 0 else ()), sys.executable, "-m", volumes.__name__, "dump"]
    ended = subprocess.run([*argv, str(tmp_path / "volume"), str(tmp_path / "told")], capture_output=True, check=False)
    closed.chmod(0o700)
    assert ended.returncode
    assert b"Permission denied" in ended.stderr
    assert not (tmp_path / "told").exists()


def test_folders_come_and_go_while_they_are_listed(tmp_path: Path) -> None:
    (tmp_path / "stays").touch()
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            for number in range(20):
                (tmp_path / f"passing-{number}" / "deep").mkdir(parents=True)
            for number in range(20):
                shutil.rmtree(tmp_path / f"passing-{number}")

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        found = [{entry.name for entry in volumes.entries(tmp_path)} for _ in range(200)]
    finally:
        done.set()
        busy.join()
    assert all("stays" in names for names in found)


def test_what_is_no_file_leaves_its_folder_behind(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / "pipe")
    assert [entry.name for entry in volumes.entries(tmp_path)] == ["run/"]
