"""Disks that are full, in a mount namespace of their own: whatever ends, nothing stays mounted and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.layout import Local, local
from enginedge.errors import EnginEdgeError
from enginedge.health.probes import ask
from enginedge.shell import end_group, start_tied
from tests.installation import ROOT, stack

MIB = 2**20
ROOM_MIB = 64  # for what MinIO itself writes while it starts
OWN_MOUNTS = ["unshare", "--mount", "--propagation", "private", "--"]


def _may_mount() -> bool:
    tried = subprocess.run(
        [*OWN_MOUNTS, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"], check=False, capture_output=True
    )
    return tried.returncode == 0


needs_mounts = pytest.mark.skipif(not _may_mount(), reason="a small disk is mounted, which only root may do")


def without_room_in(folder: Path, command: list[str]) -> list[str]:
    """``command``, to which ``folder`` is a disk that has no room for one more file."""
    script = 'mount -t tmpfs -o nr_inodes=1 tmpfs "$0" && exec "$@"'
    return [*OWN_MOUNTS, "sh", "-c", script, str(folder), *command]


@contextmanager
def minio_on_a_small_disk(scratch: Path) -> Iterator[Callable[[], None]]:
    """MinIO on a disk that is filled up by calling what this yields. Afterwards it runs as before.

    It works on a copy: what is written before the disk is full is lost again, and must not be of the lake.
    """
    here = local()
    stack("stop", "minio")
    try:
        with _copied(here, scratch) as process:
            _wait_until_it_answers(here)
            yield lambda: _fill(Path(f"/proc/{process.pid}/root{scratch}/ballast"))
    finally:
        stack("start", "minio")


@contextmanager
def _copied(here: Local, scratch: Path) -> Iterator[subprocess.Popen[str]]:
    data = here.data("minio")
    size = sum(path.lstat().st_blocks * 512 for path in data.rglob("*")) // MIB + ROOM_MIB
    script = (
        'mount -t tmpfs -o size="$1"m tmpfs "$2" && cp -a "$3" "$2"/data && mount --bind "$2"/data "$3" '
        '&& exec "$4" -m deploy.local.launch minio'
    )
    arguments = [str(size), str(scratch), str(data), sys.executable]
    process = start_tied([*OWN_MOUNTS, "sh", "-ec", script, "sh", *arguments], folder=ROOT, on_death=signal.SIGKILL)
    try:
        yield process
    finally:
        end_group(process.pid)
        process.wait()


def _wait_until_it_answers(here: Local) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            return ask(here.platform.service("minio"))
        except EnginEdgeError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _fill(ballast: Path) -> None:
    """Write until the kernel says that there is no more room."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                os.write(file.fileno(), bytes(MIB))
        except OSError:
            return
