"""process-compose, which keeps the services running: its configuration, derived from the inventory, and its HTTP API.

It is reached through a Unix socket, because over TCP it would listen on every address without a password. It
restarts what ends; in which order services start and stop is decided by ``bring_up``, because process-compose 1.64
knows a dependency's state only as of its first start. For the same reason its readiness probes never count as
fatal: it would stop the service for good.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from deploy.local import kernel, remains
from deploy.local.layout import Local
from deploy.local.services import clean_environment, lineage
from enginedge.errors import Misconfigured, Unavailable
from enginedge.plain_http import NO_AUTHORITIES
from enginedge.platform import Service
from enginedge.private_files import private_folder, write_private

SOCKET = "supervisor.sock"
PROBER, PROBER_SOCKET = "prober", "prober.sock"
NEVER = 1_000_000_000
STOP_WITHIN_S = 30
SETTINGS = ("ENGINEDGE_", "MARQUEZ_URL")
NO_SETTINGS = ("ENGINEDGE_SERVICE", "ENGINEDGE_TEST_")  # who asks, and how the tests are run


@dataclass(frozen=True)
class Supervised:
    """What the supervisor says of one process; ``status`` is Running, Completed, Restarting, Terminating, Disabled …"""

    name: str
    status: str
    pid: int
    restarts: int
    exit_code: int

    @property
    def is_up(self) -> bool:
        return self.status == "Running"

    @property
    def is_supervised(self) -> bool:
        """It runs, or the supervisor is about to start it again."""
        return self.status not in ("Disabled", "Pending", "Completed", "Skipped", "Error")


def configuration(here: Local) -> dict[str, Any]:
    """The supervisor's configuration: one process a service, none of them started yet, and the prober."""
    python = f"exec {here.tools['venv']}/bin/python -m"
    processes = {service.name: _process(here, service, python) for service in here.platform.services}
    processes[PROBER] = {
        "command": f"{python} deploy.local.prober {here.socket(PROBER_SOCKET)} >>{here.log(PROBER)} 2>&1",
        "working_dir": str(here.root),
        "availability": {"restart": "always", "backoff_seconds": 1},
    }
    return {"version": "0.5", "is_strict": True, "log_level": "info", "processes": processes}


def _process(here: Local, service: Service, python: str) -> dict[str, Any]:
    ask = f"curl -sf -m {service.readiness.timeout_s} --unix-socket {here.socket(PROBER_SOCKET)} http://prober/{service.name}"
    return {
        "command": f"{python} deploy.local.launch {service.name}",
        "description": service.title,
        "working_dir": str(here.root),
        "disabled": True,
        "readiness_probe": {
            "exec": {"command": ask},
            "initial_delay_seconds": 1,
            "period_seconds": service.readiness.every_s,
            "timeout_seconds": service.readiness.timeout_s + 1,
            "failure_threshold": NEVER,
        },
        "availability": {"restart": "always", "backoff_seconds": 1},
        "shutdown": {"signal": _stop_signal(service), "parent_only": True, "timeout_seconds": STOP_WITHIN_S},
    }


def _passed_on(here: Local) -> dict[str, str]:
    return {**clean_environment(here), **lineage.marquez()}


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(SETTINGS) and not name.startswith(NO_SETTINGS)
    }


def _stop_signal(service: Service) -> int:
    """PostgreSQL's fast shutdown is INT; TERM would wait until every client has left."""
    return 2 if service.name == "postgres" else 15


class Supervisor:
    """The running supervisor of one installation.

    Raises:
        Unavailable: it does not answer, or refuses what it is asked for.
    """

    def __init__(self, here: Local) -> None:
        self.here = here

    def _request(self, method: str, path: str, timeout_s: float = STOP_WITHIN_S + 15) -> httpx.Response:
        transport = httpx.HTTPTransport(uds=str(self.here.socket(SOCKET)), verify=NO_AUTHORITIES)
        with httpx.Client(transport=transport, base_url="http://supervisor", timeout=timeout_s) as client:
            return client.request(method, path)

    def is_alive(self) -> bool:
        try:
            return self._request("GET", "/live", timeout_s=2).is_success
        except httpx.TransportError:
            return False

    def start(self) -> None:
        """Start the supervisor itself, in a session of its own, so that it outlives whoever asked for it."""
        here = self.here
        path = here.run / "process-compose.yaml"
        write_private(path, yaml.safe_dump(configuration(here), sort_keys=False, width=200))
        environment = {
            **_passed_on(here),
            "PC_SOCKET_PATH": str(here.socket(SOCKET)),
            "PC_LOG_FILE": str(here.log("supervisor")),
            "PC_DISABLE_DOTENV": "1",
            "XDG_CONFIG_HOME": str(private_folder(here.run / "config")),
            "PYTHONPATH": os.pathsep.join((str(here.root / "plugins"), str(here.root))),
        }
        here.socket(SOCKET).unlink(missing_ok=True)
        # who asks for the states has, at most once in that time, every process measured, each by reading all of /proc
        measured = "--slow-ref-rate=24h"
        with (here.run / "supervisor.out").open("ab") as output:
            child = subprocess.Popen(
                [str(here.tool("process_compose")), "-U", "-f", str(path), "--tui=false", "--keep-project", measured],
                env=environment,
                cwd=here.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
            )
        remains.remember_service(here, remains.SUPERVISOR, child.pid)
        until = time.monotonic() + 20
        while not self.is_alive():
            if child.poll() is not None or time.monotonic() > until:
                raise Unavailable("it did not start", where="supervisor", remedy=f"read {here.log('supervisor')}")
            time.sleep(0.05)

    def refuse_other_settings(self) -> None:
        """Return when what runs was started with the settings that are given now, which every service gets from it.

        Raises:
            Misconfigured: it was not; names the settings that differ.
        """
        running = remains.remembered(self.here, remains.SUPERVISOR)
        then = _settings(kernel.environment(running.pid)) if running else {}
        now = _settings(_passed_on(self.here))
        if then and (other := sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))):
            raise Misconfigured(
                f"the supervisor that runs was started with another {', '.join(other)}",
                where="supervisor",
                untouched="what runs",
                remedy="run `make down`, then `make up`",
            )

    def processes(self) -> dict[str, Supervised]:
        """Every process that the supervisor knows, by name."""
        return {
            each["name"]: Supervised(each["name"], each["status"], each["pid"], each["restarts"], each["exit_code"])
            for each in self._ask("GET", "/processes")["data"]
        }

    def start_service(self, name: str) -> None:
        self._ask("POST", f"/process/start/{name}")

    def stop_service(self, name: str) -> None:
        """Return when it is gone; one that does not end in time is killed."""
        self._ask("PATCH", f"/process/stop/{name}")

    def stop(self) -> None:
        """Stop the supervisor and what still runs under it."""
        try:
            self._request("POST", "/project/stop")
        except httpx.TransportError:
            return

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        try:
            answer = self._request(method, path)
        except httpx.TransportError as error:
            raise Unavailable(
                f"it does not answer ({type(error).__name__})", where="supervisor", remedy="run `make up`"
            ) from error
        said: dict[str, Any] = answer.json()
        if answer.is_error:
            raise Unavailable(f"{path}: {said.get('error', answer.text)}", where="supervisor", remedy="run `make up`")
        return said
