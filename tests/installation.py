"""Installations apart from the one that a person runs: a state folder and ports of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from enginedge.errors import Misconfigured

ROOT = Path(__file__).resolve().parents[1]
HIGHEST_PORT = 65_535


def point_at(state: Path, port_shift: int) -> None:
    """Point this process and its children at the installation in ``state``, its ports ``port_shift`` above the usual.

    A port that the environment names already stays as it is.

    Raises:
        Misconfigured: a port would be none.
    """
    ports = shifted_ports(port_shift)
    os.environ.update(ENGINEDGE_ROOT=str(ROOT), ENGINEDGE_STATE=str(state), ENGINEDGE_SECRETS=str(state / "secrets"))
    os.environ["ENGINEDGE_SCHEDULED_RUNS"] = "off"  # tests that run at two in the morning start their nights themselves
    os.environ.update(ports)


def shifted_ports(shift: int) -> dict[str, str]:
    """The variables of all ports that the environment does not name, each ``shift`` above the inventory's.

    Raises:
        Misconfigured: one of them would be no port; names the service and the largest shift.
    """
    from enginedge.platform import load_platform

    found = {}
    for service in load_platform(ROOT / "deploy" / "platform.yaml").services:
        for index, (port, number) in enumerate(service.ports.items()):
            name = service.name if index == 0 else f"{service.name}_{port}"
            variable = "ENGINEDGE_PORT_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
            if variable not in os.environ:
                found[variable] = (service.title, number)
    highest = HIGHEST_PORT - max((number for _, number in found.values()), default=0)
    for variable, (title, number) in found.items():
        if not 1 <= number + shift <= HIGHEST_PORT:
            raise Misconfigured(
                f"{shift} above {number}, the usual port of {title}, is no port",
                where="ENGINEDGE_TEST_PORT_SHIFT",
                remedy=f"give a shift up to {highest}, or {variable}=<port> beside it",
            )
    return {variable: str(number + shift) for variable, (_, number) in found.items()}


def secret_values(folder: Path) -> dict[str, str]:
    """Every secret in ``folder`` by name; the ones inside a JSON file one by one."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        text = path.read_text().strip()
        inner = json.loads(text) if text.startswith("{") else {"": text}
        found.update({f"{path.relative_to(folder)} {key}".strip(): value for key, value in inner.items()})
    return found


def enginedge(*arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one verb of the command line as a user would, in a process of its own."""
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "enginedge", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said = (late.stderr or b"").decode(errors="replace")[-4000:]
        raise AssertionError(f"enginedge {' '.join(arguments)} did not end; it said last\n{said}") from None
    if check and finished.returncode:
        said = finished.stderr[-4000:]
        raise AssertionError(f"enginedge {' '.join(arguments)} ended with {finished.returncode}\n{said}")
    return finished


def stack(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one verb of the local stack (``up``, ``down``, ``stop NAME``, ``start NAME`` …)."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.stack", *arguments], cwd=ROOT, check=check, text=True, timeout=900
    )


class BackgroundStack:
    """The test stack on its way up, in a process of its own, whose output is kept for whoever waits in vain."""

    def __init__(self) -> None:
        self._said = Path(os.environ["ENGINEDGE_STATE"]) / "up.log"
        self._said.parent.mkdir(parents=True, exist_ok=True)
        with self._said.open("w") as said:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.stack", "up"], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> None:
        """Return when every service is Ready, or tell what the stack said last."""
        if self._up.wait(timeout=900):
            raise AssertionError(f"the stack did not come up:\n{self._said.read_text()[-6000:]}")

    def down(self) -> None:
        """Stop what was started, also half-way."""
        self._up.terminate()
        self._up.wait()
        stack("down")
