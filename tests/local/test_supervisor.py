"""The supervisor's configuration is derived from the inventory; sockets fit into the kernel's limit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import remains
from deploy.local.bring_up import BringUp
from deploy.local.layout import Local
from deploy.local.services import SERVICES, clean_environment
from deploy.local.supervisor import NEVER, PROBER, Supervised, Supervisor, configuration
from enginedge.errors import Misconfigured


def test_every_service_of_the_inventory_can_be_run_here(installation: Local) -> None:
    assert list(SERVICES) == [service.name for service in installation.platform.services]


def test_every_service_is_supervised_restarted_and_asked(installation: Local) -> None:
    processes = configuration(installation)["processes"]
    assert set(processes) == {*SERVICES, PROBER}
    for service in installation.platform.services:
        process = processes[service.name]
        assert process["command"].startswith("exec ")
        assert process["availability"]["restart"] == "always"
        assert process["readiness_probe"]["period_seconds"] == service.readiness.every_s
        assert process["readiness_probe"]["exec"]["command"].endswith(f"/{service.name}")


def test_a_failing_probe_never_stops_a_service_for_good(installation: Local) -> None:
    processes = configuration(installation)["processes"].values()
    assert {each["readiness_probe"]["failure_threshold"] for each in processes if "readiness_probe" in each} == {NEVER}


def test_postgres_is_stopped_by_int(installation: Local) -> None:
    processes = configuration(installation)["processes"]
    assert processes["postgres"]["shutdown"]["signal"] == 2
    assert processes["minio"]["shutdown"]["signal"] == 15


def test_a_deep_checkout_gets_its_sockets_in_a_short_private_folder(installation: Local, tmp_path: Path) -> None:
    deep = tmp_path / ("deep/" * 25)
    there = replace(installation, settings=replace(installation.settings, state=deep))
    socket = there.socket("supervisor.sock")
    assert len(os.fsencode(socket)) <= 100
    assert socket.parent.stat().st_mode & 0o077 == 0
    assert there.socket("supervisor.sock") == socket
    socket.parent.rmdir()


def test_a_supervisor_that_is_older_than_the_inventory_is_named_with_the_remedy(installation: Local) -> None:
    older = Supervisor(installation)
    known = {each.name: Supervised(each.name, "Running", 1, 0, 0) for each in installation.platform.services[:-1]}
    older.processes = lambda: known  # type: ignore[method-assign]
    with pytest.raises(Misconfigured, match=r"before the inventory had backup-watch.*`make down`"):
        BringUp(installation, older, installation.platform.services, lambda *_: None).run()


@contextmanager
def remembered(installation: Local, **settings: str) -> Iterator[None]:
    """A process that was written down as the supervisor, with these settings."""
    environment = {**clean_environment(installation), **settings}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment) as process:
        remains.remember_service(installation, remains.SUPERVISOR, process.pid)
        yield
        process.communicate(b"\n")


def test_a_supervisor_with_the_same_settings_is_used(installation: Local) -> None:
    with remembered(installation, PATH="/elsewhere", ENGINEDGE_TEST_LANE="other"):
        Supervisor(installation).refuse_other_settings()


def test_a_supervisor_with_other_settings_is_refused_with_their_names(
    installation: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEZ_URL", "http://127.0.0.1:1")
    with (
        remembered(installation, ENGINEDGE_PORT_TRINO="18090"),
        pytest.raises(Misconfigured, match=r"another ENGINEDGE_PORT_TRINO, MARQUEZ_URL\..*`make down`"),
    ):
        Supervisor(installation).refuse_other_settings()
