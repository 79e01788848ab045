"""Two processes that want to do the same work do it one after the other, and the second one says for whom it waits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from enginedge.one_at_a_time import one_at_a_time
from tests.installation import ROOT

HOLD = """
import sys, time
from pathlib import Path
from enginedge.one_at_a_time import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), lambda who: print(f"waits for {who}", flush=True)):
    print("holds it", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holding(lock: Path, seconds: float) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", HOLD, str(lock), str(seconds)]
    return subprocess.Popen(argv, cwd=ROOT / "plugins", stdout=subprocess.PIPE, text=True)


def test_the_second_one_names_the_first_and_goes_on_when_that_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "run" / "lock"
    with holding(lock, 600) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "holds it\n"
        with holding(lock, 0) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"waits for process {first.pid}\n"
            assert second.poll() is None
            first.kill()
            assert second.stdout.readline() == "holds it\n"


def test_whoever_comes_later_waits_for_nobody(tmp_path: Path) -> None:
    told: list[str] = []
    for _ in range(2):
        with one_at_a_time(tmp_path / "lock", told.append):
            pass
    assert told == []
