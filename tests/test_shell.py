"""Commands are tied to their caller, and their failures say what they said."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from deploy.local import kernel
from enginedge.errors import Misconfigured, Unavailable
from enginedge.shell import run, start_tied


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
