"""Commands are tied to their caller, and their failures say what they said."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from deploy.local import kernel
from enginedge.errors import Misconfigured, Unavailable
from enginedge.shell import run, run_apart, run_piped, start_tied


def test_what_a_command_printed_is_returned() -> None:
    assert run(["sh", "-c", "echo out; echo err >&2"]) == "out\nerr\n"


def test_a_failure_says_the_status_and_the_last_lines() -> None:
    with pytest.raises(Unavailable, match=r"(?s)ended with 3.*the reason"):
        run(["sh", "-c", "echo the reason; exit 3"])


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(Misconfigured, match="no-such-program"):
        run(["no-such-program"])


def test_one_that_takes_too_long_is_ended_with_its_children() -> None:
    with pytest.raises(Unavailable, match="did not end within"):
        run(["sh", "-c", "sleep 61.25 & wait"], timeout_s=0.3)
    time.sleep(0.1)
    assert not [each for each in kernel.processes() if each.command == "sleep 61.25"]


def test_the_environment_is_the_given_one_alone() -> None:
    assert run(["env"], environment={"PATH": os.environ["PATH"], "ONE": "1"}).splitlines() == [
        f"PATH={os.environ['PATH']}",
        "ONE=1",
    ]


def test_a_command_ends_when_its_starter_is_killed() -> None:
    code = (
        "import time\nfrom enginedge.shell import start_tied\n"
        "print(start_tied(['sleep', '62.5']).pid, flush=True)\ntime.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    until = time.monotonic() + 5
    while (tied := kernel.process(pid)) and tied.command != "sleep 62.5" and time.monotonic() < until:
        time.sleep(0.02)
    starter.kill()
    starter.communicate()
    until = time.monotonic() + 5
    while kernel.process(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert kernel.process(pid) is None


def test_a_tied_command_leads_a_group_of_its_own() -> None:
    child = start_tied(["sleep", "5"])
    assert os.getpgid(child.pid) == child.pid
    child.kill()
    child.wait()


def test_what_a_command_prints_and_what_it_complains_of_are_kept_apart() -> None:
    ended = run_apart(["sh", "-c", "echo said; echo complained >&2; exit 3"])
    assert (ended.status, ended.out, ended.err) == (3, "said\n", "complained\n")
    assert ended.last_words == "complained"


def test_who_hears_a_complaint_may_end_the_command_that_goes_on() -> None:
    heard: list[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        if "no room" in line:
            raise Unavailable(line)

    began = time.monotonic()
    with pytest.raises(Unavailable, match="no room"):
        run_apart(["sh", "-c", "echo trying >&2; echo no room >&2; sleep 60; echo never >&2"], hear=hear)
    assert time.monotonic() - began < 30
    assert heard == ["trying\n", "no room\n"]


def test_what_one_command_prints_another_reads() -> None:
    first, second = run_piped(["seq", "100000"], ["wc", "-l"])
    assert (first.status, second.status, second.out.strip()) == (0, 0, "100000")


def test_a_reader_that_ends_early_ends_a_writer_that_never_would() -> None:
    first, second = run_piped(["yes"], ["sh", "-c", "head -c 10 >/dev/null; echo enough >&2; exit 5"])
    assert second.status == 5
    assert second.last_words == "enough"
    assert first.status != 0


def test_a_writer_that_fails_is_told_from_its_reader() -> None:
    first, second = run_piped(["sh", "-c", "echo half; echo broken >&2; exit 7"], ["cat"])
    assert (first.status, first.last_words) == (7, "broken")
    assert (second.status, second.out) == (0, "half\n")
