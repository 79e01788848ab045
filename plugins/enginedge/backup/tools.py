"""The programs that dump and restore, the environment they run in, and the files by which they learn a secret.

A secret never stands in an argument or in an environment variable, since both can be read in ``/proc`` and are passed
on to children: each tool is pointed at a file that only its owner can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from enginedge.errors import Misconfigured
from enginedge.passing_folders import passing_folder
from enginedge.private_files import private_folder, write_private
from enginedge.settings import settings


def tool(name: str) -> str:
    """The path of an installed tool, by its name in ``toolchain.json``; PostgreSQL's own by their names.

    Raises:
        Misconfigured: the bootstrap did not install it.
    """
    installed = settings().toolchain()
    found = installed.get(name) or (f"{installed['postgres_bin']}/{name}" if installed.get("postgres_bin") else "")
    if not found or not Path(found).exists():
        raise Misconfigured(f"{name} is not installed", where="toolchain.json", remedy="run `make bootstrap`")
    return found


def tool_path(name: str) -> Path:
    """The same as a path."""
    return Path(tool(name))


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """A tool's whole environment: nothing of the caller's, whose own may hold secrets, and ``more``."""
    home = private_folder(settings().state / "home")
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC",
            **(more or {})}  # fmt: skip


def told(name: str, text: str) -> Path:
    """The file ``name`` of the backup's configuration, holding ``text`` and readable by its owner alone."""
    path = private_folder(settings().state / "conf" / "backup") / name
    write_private(path, text)
    return path


def spool_folder() -> AbstractContextManager[Path]:
    """An empty folder that only we can enter, for what a tool can read or write only as a file; gone afterwards."""
    return passing_folder(settings().state / "spool")
