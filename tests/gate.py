"""The gate: what needs the stack; what needs the stores alone, on stores of its own; what needs neither; and style,
types and contracts. The first takes longest, and it and the second often wait for a server: the others yield the
processors to them, and work where they wait.

Each lane of tests is a pytest of its own. What is said comes line by line as it is said, and ends with one line for
all.
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

MARKS = {"stack": ("stack", "browser", "destructive"), "stores": ("stores",)}  # of the tests that are a lane's
STACK = " or ".join(MARKS["stack"])
LINT = ["make", "--no-print-directory", "lint"]
LANES = {"stack": STACK, "stores": f"stores and not ({STACK})", "rest": f"not (stores or {STACK})"}
NICE = {"stack": 0, "stores": 10}  # and the others
NICEST = 15
COUNTED = re.compile(r"(\d+) (passed|failed|skipped|deselected|xfailed|xpassed|warnings?|errors?)")
LONGEST = 40  # tests of each lane are told with their seconds: that is where the gate can get quicker
NOT_TOLD = ("deselected",)  # each lane leaves out the others'
NO_TEST = 5  # pytest's status where none is left, as of one file in all lanes but one


def main(arguments: list[str]) -> int:
    """Run every lane with ``arguments``, and lint where there are none; 0 only where each of them ended with it.
    Stopped, it lets each stop what it started."""
    began, counts = time.monotonic(), Counter[str]()
    lanes = {name: _start(_pytest(marks, arguments), name) for name, marks in LANES.items()}
    if not arguments:
        lanes["lint"] = _start(LINT)
    signal.signal(signal.SIGTERM, lambda *_: _stop(lanes.values()))
    readers = [Thread(target=_tell, args=(name, lane, counts)) for name, lane in lanes.items()]
    try:
        for reader in readers:
            reader.start()
        ended = {name: abs(lane.wait()) for name, lane in lanes.items()}  # below zero: ended by a signal
    except KeyboardInterrupt:
        ended = {name: abs(lane.wait()) or 1 for name, lane in lanes.items()}
    for reader in readers:
        reader.join()
    told = [f"{count} {what}" for what, count in sorted(counts.items()) if what not in NOT_TOLD]
    told += ["lint failed"] if ended.get("lint") else []
    print(f"===== {', '.join(told) or 'nothing'} in {time.monotonic() - began:.2f}s =====", flush=True)
    if arguments and set(ended.values()) > {NO_TEST}:
        ended = {name: status for name, status in ended.items() if status != NO_TEST}
    return max(ended.values())


def _pytest(marks: str, arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", "--ignore=tests/soak", f"--durations={LONGEST}", "-m", marks, *arguments]


def _start(argv: list[str], lane: str = "") -> subprocess.Popen[str]:
    argv = ["nice", "-n", str(NICE.get(lane, NICEST)), *argv]
    environment = {**os.environ, "ENGINEDGE_TEST_LANE": lane, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )


def _stop(lanes: Iterable[subprocess.Popen[str]]) -> None:
    for lane in lanes:
        lane.send_signal(signal.SIGINT)


def _tell(name: str, lane: subprocess.Popen[str], counts: Counter[str]) -> None:
    last = ""
    for line in lane.stdout or ():
        print(f"{name:<6} | {line}", end="", flush=True)
        last = line if line.startswith("==") else last
    counts.update({what: int(count) for count, what in COUNTED.findall(last)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
