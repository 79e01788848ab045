"""Becomes one service: ``python -m deploy.local.launch NAME``, which is what the supervisor starts.

It ends what an earlier process of the service left behind, prepares the service, sends its output to its own log file
(the supervisor would otherwise wait for every orphan that still holds the pipe) and becomes the service's program,
so that the supervised process is the service itself. The kernel ends that one when the supervisor dies.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from deploy.local import remains
from deploy.local.layout import Local, local
from deploy.local.ports import refuse_taken_ports
from deploy.local.services import SERVICES, clean_environment
from enginedge.errors import EnginEdgeError

SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)


def main(name: str, supervisor: int) -> None:
    """Become the service ``name`` of the supervisor whose process id is ``supervisor``."""
    here = local()
    _write_to(here.log(name))
    print(f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S} starting {name}", flush=True)
    _end_with(supervisor, signal.SIGTERM)
    try:
        remains.end_service(here, name)
        refuse_taken_ports(here, [here.platform.service(name)])
        _become(here, name, supervisor)
    except EnginEdgeError as error:
        sys.exit(f"{type(error).__name__}: {error}")


def _become(here: Local, name: str, supervisor: int) -> None:
    launch = SERVICES[name].prepare(here)
    environment = {**clean_environment(here), "ENGINEDGE_SERVICE": name, **launch.environment}
    Path(environment["HOME"]).mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chdir(launch.folder or here.state)
    remains.remember_service(here, name)
    _end_with(supervisor, launch.on_death)
    os.execvpe(launch.argv[0], launch.argv, environment)  # noqa: S606  (no shell is what we want)


def _write_to(log: Path) -> None:
    """Send standard output and error to the end of ``log``, whoever empties it meanwhile."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


def _end_with(supervisor: int, demand: signal.Signals) -> None:
    """Have the kernel send ``demand`` to this process when its parent, the supervisor, dies."""
    ctypes.CDLL(None, use_errno=True).prctl(SET_PARENT_DEATH_SIGNAL, demand)
    if os.getppid() != supervisor:
        sys.exit("the supervisor is gone")


if __name__ == "__main__":
    os.umask(0o077)
    main(sys.argv[1], os.getppid())
