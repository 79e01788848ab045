"""A repository that takes another thing than what a dump tool prints: half of it, or all until the tool is killed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from enginedge.backup.repository import Restic
from enginedge.backup.shapes import Command, Snapshot

#: Prints the first bytes of what a command prints, through a pipe that holds little, and then kills it; ends as it did.
KILLED = """
import fcntl, os, subprocess, sys
left, *argv = sys.argv[1:]
left, (reads, writes) = int(left), os.pipe()
fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
tool = subprocess.Popen(argv, stdout=writes)
os.close(writes)
while left and (block := os.read(reads, min(left, 4096))):
    os.write(1, block)
    left -= len(block)
tool.kill()
sys.exit(tool.wait() != 0)
"""


@dataclass(frozen=True)
class Spoiling:
    """A repository in which the command of the object ``name`` is run by another one."""

    whole: Restic
    name: str
    runner: tuple[str, ...]

    @classmethod
    def cut(cls, whole: Restic, object_: Snapshot) -> Spoiling:
        """Takes half of it for the whole, as a pipe does whose writer broke off."""
        half = f'"$@" | {{ head -c {object_.bytes_in // 2}; cat > /dev/null; }}'
        return cls(whole, object_.name, ("sh", "-c", half, "sh"))

    @classmethod
    def killed(cls, whole: Restic, object_: Snapshot, at: int) -> Spoiling:
        """Its tool is killed when it has printed so many bytes."""
        return cls(whole, object_.name, (sys.executable, "-c", KILLED, str(at)))

    def marked(self, store: str, backup: str) -> Spoiling:
        return replace(self, whole=self.whole.marked(store, backup))

    def save_output(self, name: str, command: Command, listen: Callable[[str], None] | None = None) -> Snapshot:
        if name == self.name:
            command = replace(command, argv=(*self.runner, *command.argv))
        return self.whole.save_output(name, command, listen)
