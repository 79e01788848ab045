"""The supervisor's configuration is derived from the inventory; sockets fit into the kernel's limit."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.bring_up import BringUp
from deploy.local.layout import Local
from deploy.local.services import SERVICES
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
