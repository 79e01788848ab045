"""After processes were killed, a second ``up`` ends as the first one did. Runs last: it kills.

Here each that starts quickly is killed once, all at the same moment. The others are killed amid a night, the supervisor
and a Spark driver with them, in ``tests/integration``; ``tests/soak`` kills each alone, in any order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from deploy.local import kernel, remains
from deploy.local.layout import Local, local
from deploy.local.services import SERVICES
from deploy.local.status import look
from deploy.local.supervisor import PROBER, Supervisor
from tests.installation import stack

#: Their start takes seconds, or, without PostgreSQL, that of those which end with it: killed with the supervisor, they
#: come back by the one start that it costs anyway.
KILLED_AMID_THE_MAIN_JOB = (
    *("postgres", "kafka", "metastore", "trino", "jupyter"),
    *("airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
)
VICTIMS = [name for name in (*SERVICES, PROBER) if name not in KILLED_AMID_THE_MAIN_JOB]

pytestmark = [pytest.mark.stack, pytest.mark.destructive, pytest.mark.usefixtures("running_stack")]


@pytest.fixture(scope="module")
def here(running_stack: None) -> Local:
    return local()


def bring_up(here: Local) -> None:
    """``up`` ends well, every service is Ready, and each is there once.

    A service that lost its database in the kill may go down only after ``up`` has ended, and is started again.
    """
    stack("up")
    until = time.monotonic() + 60
    rows = look(here, Supervisor(here))
    while any(row.state != "Ready" for row in rows) and time.monotonic() < until:
        time.sleep(1)
        rows = look(here, Supervisor(here))
    assert {row.service: row.reason for row in rows if row.state != "Ready"} == {}
    leaders = [each for each in remains.belonging(here) if each.pid in {row.pid for row in rows}]
    assert len(leaders) == len(rows)


def kill_and_bring_up(here: Local, *names: str) -> None:
    """Kill ``names`` at the same moment; ``up`` ends as before, and nothing is left of what was killed."""
    known = {name: Supervisor(here).processes()[name] for name in names}
    victims = [kernel.process(each.pid) for each in known.values()]
    pids = {each.pid for each in victims}
    children = [each for each in kernel.with_descendants(victims, kernel.processes()) if each.pid not in pids]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        now = Supervisor(here).processes()
        if all(now[name].restarts > each.restarts for name, each in known.items()):
            break
        time.sleep(0.2)
    bring_up(here)
    assert [each.command for each in (*victims, *children) if kernel.is_same(each)] == []


def test_killed_services_come_back(here: Local) -> None:
    kill_and_bring_up(here, *VICTIMS)


def test_a_stopped_service_stays_stopped_until_it_is_brought_up(here: Local) -> None:
    stack("stop", "redis")
    assert {row.state for row in look(here, Supervisor(here)) if row.service == "redis"} == {"Stopped"}
    bring_up(here)


def test_a_port_that_somebody_took_meanwhile_is_named_with_its_holder(here: Local) -> None:
    stack("stop", "redis")
    squatter = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(here.port("redis")), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 10
        while not kernel.is_taken(here.port("redis")) and time.monotonic() < until:
            time.sleep(0.05)
        up = [sys.executable, "-m", "deploy.local.stack", "up"]
        refused = subprocess.run(up, cwd=here.root, check=False, capture_output=True, text=True)
    finally:
        squatter.kill()
        squatter.wait()
    assert refused.returncode == 2
    assert f"port {here.port('redis')} (Redis, main) is taken by process {squatter.pid}: " in refused.stderr
    assert "http.server" in refused.stderr
    assert "ENGINEDGE_PORT_REDIS=" in refused.stderr
    bring_up(here)


def test_down_leaves_no_process_and_no_port(here: Local) -> None:
    stack("down")
    assert remains.belonging(here) == []
    ports = {here.port(service.name, port) for service in here.platform.services for port in service.ports}
    assert ports & {listener.port for listener in kernel.listeners()} == set()
