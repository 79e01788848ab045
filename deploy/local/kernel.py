"""What the kernel says about processes, their memory and the ports that are taken. Linux; nothing is started to
find out."""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"


@dataclass(frozen=True)
class Process:
    """A process as ``/proc/<pid>/stat`` shows it; ``started`` (clock ticks since boot) tells a reused id from the
    old one."""

    pid: int
    parent: int
    group: int
    session: int
    started: int

    @property
    def started_at(self) -> datetime:
        """When it was started, by the clock on the wall."""
        uptime_s = float((PROC / "uptime").read_text().split()[0])
        return datetime.now(UTC) - timedelta(seconds=uptime_s - self.started / os.sysconf("SC_CLK_TCK"))

    @property
    def command(self) -> str:
        """Its command line, as ``ps`` would show it."""
        try:
            raw = (PROC / str(self.pid) / "cmdline").read_bytes()
        except OSError:
            return "?"
        return raw.replace(b"\0", b" ").decode(errors="replace").strip() or "?"


def process(pid: int) -> Process | None:
    """The process ``pid``; none where it is gone or a zombie."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] == "Z":
        return None
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def processes() -> list[Process]:
    """Every process that is there now."""
    found = (process(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return [each for each in found if each]


def environment(pid: int) -> dict[str, str]:
    """The environment that ``pid`` was started with, as far as it has not painted over it; empty where it is not
    ours to read."""
    try:
        raw = (PROC / str(pid) / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in raw.split("\0") if "=" in entry)


def with_descendants(ancestors: Iterable[Process], among: Iterable[Process]) -> list[Process]:
    """``ancestors`` and all their children, and theirs, out of ``among``; each once."""
    children: dict[int, list[Process]] = defaultdict(list)
    for each in among:
        children[each.parent].append(each)
    found: dict[int, Process] = {}
    waiting = list(ancestors)
    while waiting:
        each = waiting.pop()
        if each.pid not in found:
            found[each.pid] = each
            waiting += children[each.pid]
    return list(found.values())


def pss_bytes(pid: int) -> int:
    """The proportional set size of ``pid``; 0 where it is gone or not ours to read."""
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket: its address as text, its port and the inode that names it in ``/proc/<pid>/fd``."""

    address: str
    port: int
    inode: str

    @property
    def is_loopback(self) -> bool:
        address = ip_address(self.address)
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def listeners() -> list[Listener]:
    """Every listening TCP socket of this network namespace, IPv4 and IPv6."""
    return [listener for name in ("tcp", "tcp6") for listener in _listeners_in(PROC / "net" / name)]


def _listeners_in(table: Path) -> Iterator[Listener]:
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTENING:
            address, _, port = fields[1].partition(":")
            yield Listener(_address(address), int(port, 16), fields[9])


def _address(text: str) -> str:
    """The kernel prints an address as 32-bit words of the machine's byte order."""
    words = [int(text[at : at + 8], 16).to_bytes(4, "little") for at in range(0, len(text), 8)]
    return str(ip_address(b"".join(words)))


def sockets(pid: int) -> set[str]:
    """The inodes of the sockets that ``pid`` holds."""
    found = set()
    try:
        for entry in (PROC / str(pid) / "fd").iterdir():
            target = str(entry.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        return found
    return found


def holder(port: int) -> Process | None:
    """Who listens on ``port`` of loopback or of every address; none where it is free or its holder is not ours to
    see."""
    inodes = {each.inode for each in listeners() if each.port == port}
    for each in processes() if inodes else []:
        if inodes & sockets(each.pid):
            return each
    return None


def is_taken(port: int) -> bool:
    """Whether anybody listens on ``port``."""
    return any(each.port == port for each in listeners())


def end(doomed: Iterable[Process], patience_s: float = 10.0) -> None:
    """End these very processes (never one that got the same id later): first asked, after ``patience_s`` killed."""
    left = [each for each in doomed if each.pid != os.getpid()]
    for demand, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 5.0)):
        left = [each for each in left if is_same(each)]
        for each in left:
            _signal(each, demand)
        until = time.monotonic() + wait_s
        while left and time.monotonic() < until:
            time.sleep(0.05)
            left = [each for each in left if is_same(each)]


def is_same(known: Process) -> bool:
    """Whether the process is still there, and is the same one."""
    now = process(known.pid)
    return now is not None and now.started == known.started


def _signal(known: Process, demand: signal.Signals) -> None:
    try:
        os.kill(known.pid, demand)
    except ProcessLookupError:
        return
