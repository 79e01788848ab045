"""Ports that somebody else holds: said with the holder and the way around, before a service fails with less to say."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.local import kernel
from deploy.local.layout import Local
from enginedge.errors import Misconfigured
from enginedge.platform import Service


def variable(service: str, port: str = "main") -> str:
    """The environment variable that moves a port: ``ENGINEDGE_PORT_TRINO``, ``ENGINEDGE_PORT_MINIO_CONSOLE``."""
    name = service if port == "main" else f"{service}_{port}"
    return f"ENGINEDGE_PORT_{name.upper().replace('-', '_')}"


def refuse_taken_ports(here: Local, services: Iterable[Service]) -> None:
    """Make sure that every port of ``services`` is free.

    Raises:
        Misconfigured: one is taken; names the service, the process that holds it and the variable that moves it.
    """
    for service in services:
        for port in service.ports:
            number = here.port(service.name, port)
            if kernel.is_taken(number):
                raise Misconfigured(
                    f"port {number} ({service.title}, {port}) is taken by {_described(number)}",
                    where=service.name,
                    remedy=f"stop that process, or choose another port: {variable(service.name, port)}=<port>",
                )


def _described(port: int) -> str:
    holder = kernel.holder(port)
    return f"process {holder.pid}: {holder.command[:120]}" if holder else "a process of another user"
