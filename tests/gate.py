"""The gate's two halves, side by side: what needs the stack, and meanwhile everything else, on stores of its own.

Each half is a pytest of its own; what they say comes line by line as they say it, and ends with one line for both.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from threading import Thread

from tests.installation import ROOT

STACK = "stack or browser or destructive"
HALVES = {"stack": STACK, "beside": f"not ({STACK})"}
COUNTED = re.compile(r"(\d+) (passed|failed|skipped|deselected|xfailed|xpassed|warnings?|errors?)")
LONGEST = 40  # tests of each half are told with their seconds: that is where the gate can get quicker
NOT_TOLD = ("deselected",)  # each half leaves out the other


def main(arguments: list[str]) -> int:
    """Run both halves with ``arguments``; the greater of their exit statuses. Stopped, it lets each stop what it
    started."""
    began, counts = time.monotonic(), Counter[str]()
    halves = {name: _start(name, marks, arguments) for name, marks in HALVES.items()}
    signal.signal(signal.SIGTERM, lambda *_: _stop(halves.values()))
    readers = [Thread(target=_tell, args=(name, half, counts)) for name, half in halves.items()]
    try:
        for reader in readers:
            reader.start()
        status = max(half.wait() for half in halves.values())
    except KeyboardInterrupt:
        status = max(abs(half.wait()) for half in halves.values()) or 1
    for reader in readers:
        reader.join()
    told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()) if what not in NOT_TOLD)
    print(f"===== {told or 'nothing'} in {time.monotonic() - began:.2f}s =====", flush=True)
    return status


def _start(name: str, marks: str, arguments: list[str]) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "pytest", "--ignore=tests/soak", f"--durations={LONGEST}", "-m", marks, *arguments]
    environment = {**os.environ, "ENGINEDGE_TEST_HALF": name, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )


def _stop(halves: Iterable[subprocess.Popen[str]]) -> None:
    for half in halves:
        half.send_signal(signal.SIGINT)


def _tell(name: str, half: subprocess.Popen[str], counts: Counter[str]) -> None:
    last = ""
    for line in half.stdout or ():
        print(f"{name:<6} | {line}", end="", flush=True)
        last = line if line.startswith("==") else last
    counts.update({what: int(count) for count, what in COUNTED.findall(last)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
