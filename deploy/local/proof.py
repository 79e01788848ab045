"""Whether the very process that was started does its work: a predecessor's last heartbeat is no proof."""

from __future__ import annotations

from deploy.local import remains
from deploy.local.layout import Local
from enginedge.errors import Unavailable
from enginedge.health.probes import ask, last_heartbeat
from enginedge.platform import Service


def prove(here: Local, service: Service) -> None:
    """Ask ``service`` for real work, and make sure that the process that runs now is the one that answered.

    Raises:
        Unavailable: it did not do it, or is still being prepared, or has not reported since it was started.
    """
    process = remains.remembered(here, service.name)
    if process is None:
        raise Unavailable("it is still being prepared, or has just ended", where=service.name)
    ask(service)
    heard = last_heartbeat(service)
    if heard is not None and heard < process.started_at:
        raise Unavailable("it has not reported since it was started", where=service.name)
