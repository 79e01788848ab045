"""A taken port is named together with who holds it and how to get around it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from deploy.local import kernel
from deploy.local.layout import Local
from deploy.local.ports import refuse_taken_ports, variable
from enginedge.errors import Misconfigured


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_taken_port_is_refused_with_its_holder_and_the_variable_that_moves_it(
    installation: Local, taken_port: int, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_MINIO", str(free_port))
    monkeypatch.setenv("ENGINEDGE_PORT_MINIO_CONSOLE", str(taken_port))
    with pytest.raises(Misconfigured) as caught:
        refuse_taken_ports(installation, [installation.platform.service("minio")])
    told = str(caught.value)
    assert f"port {taken_port} (MinIO, console) is taken by process {os.getpid()}: " in told
    assert "pytest" in told or "python" in told
    assert "ENGINEDGE_PORT_MINIO_CONSOLE=" in told


def test_free_ports_pass(installation: Local, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_REDIS", str(free_port))
    refuse_taken_ports(installation, [installation.platform.service("redis")])


def test_every_variable_that_is_named_is_one_that_settings_read(
    installation: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in installation.platform.services:
        for port in service.ports:
            monkeypatch.setenv(variable(service.name, port), "12345")
            assert installation.port(service.name, port) == 12345


def test_the_kernel_tells_loopback_from_every_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as inner, socket.create_server(("0.0.0.0", 0)) as outer:  # noqa: S104
        found = {listener.port: listener.is_loopback for listener in kernel.listeners()}
        assert found[inner.getsockname()[1]] is True
        assert found[outer.getsockname()[1]] is False


def test_an_ipv4_address_in_ipv6_clothes_is_loopback_too() -> None:
    assert kernel.Listener("::ffff:127.0.0.1", 1, "1").is_loopback
    assert not kernel.Listener("::", 1, "1").is_loopback
