"""What an earlier stack, or an earlier process of a service, left behind after it was killed.

A process is ours only if it is one that we wrote down (same id, same start, same boot), stands in the group or session
that such a one led, or carries this state folder's mark in its environment. Nothing else is ever ended.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from deploy.local import kernel
from deploy.local.layout import Local
from enginedge.private_files import private_folder, write_private

BOOT = Path("/proc/sys/kernel/random/boot_id")
SUPERVISOR = "supervisor"


def remember_service(here: Local, name: str, pid: int | None = None) -> None:
    """Write down that the process ``pid`` (this one where none is given) is the service ``name``."""
    known = kernel.process(pid or os.getpid())
    if known:
        note = {"pid": known.pid, "started": known.started, "boot": BOOT.read_text().strip()}
        write_private(_note(here, name), json.dumps(note))


def remembered(here: Local, name: str) -> kernel.Process | None:
    """The process that was written down for ``name``, if it is still there and still the same."""
    note = _read(here, name)
    found = kernel.process(note["pid"]) if note else None
    return found if found and note and found.started == note["started"] else None


def end_service(here: Local, name: str) -> None:
    """End what is left of an earlier process of ``name``: itself, its process group and what carries its mark."""
    note = _read(here, name)
    everything = kernel.processes()
    doomed = _led_by(note, everything) + _marked(here, everything, name)
    own = kernel.process(os.getpid())
    kernel.end([each for each in doomed if own is None or each.group != own.group])


def end_stack(here: Local) -> list[kernel.Process]:
    """End every process of this state folder's stack, whoever started it, and return those that were found."""
    mine = [each for each in belonging(here) if each.pid not in _ancestors()]
    kernel.end(mine, patience_s=20)
    return mine


def belonging(here: Local) -> list[kernel.Process]:
    """Every process of this state folder's stack: supervisor, services, their children, and theirs."""
    everything = kernel.processes()
    found = _marked(here, everything)
    for path in _notes(here).iterdir():
        found += _led_by(_read(here, path.name), everything)
    return kernel.with_descendants(found, everything)


def _led_by(note: dict[str, int] | None, everything: list[kernel.Process]) -> list[kernel.Process]:
    """The process of ``note``, and those in the group or the session it led; none if its id was given to another
    one since."""
    if note is None:
        return []
    leader = kernel.process(note["pid"])
    if leader is not None and leader.started != note["started"]:
        return []
    return [
        each
        for each in everything
        if note["pid"] in (each.pid, each.group, each.session) and each.started >= note["started"]
    ]


def _marked(here: Local, everything: list[kernel.Process], name: str = "") -> list[kernel.Process]:
    """Those whose environment says that they belong to a service of this state folder (to ``name`` where it is
    given)."""
    found = []
    for each in everything:
        told = kernel.environment(each.pid)
        service = told.get("ENGINEDGE_SERVICE", "")
        if service and told.get("ENGINEDGE_STATE") == str(here.state) and name in ("", service):
            found.append(each)
    return found


def _ancestors() -> set[int]:
    """This process and those above it: they may well carry the mark (a task that runs `make up`), and are not ended."""
    found, pid = set(), os.getpid()
    while pid > 1 and (known := kernel.process(pid)):
        found.add(pid)
        pid = known.parent
    return found


def _notes(here: Local) -> Path:
    return private_folder(here.run / "processes")


def _note(here: Local, name: str) -> Path:
    return _notes(here) / name


def _read(here: Local, name: str) -> dict[str, int] | None:
    try:
        note: dict[str, int] = json.loads(_note(here, name).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return note if str(note.get("boot")) == BOOT.read_text().strip() else None
