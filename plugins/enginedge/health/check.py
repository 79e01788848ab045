"""Asks services whether they do their work, all at the same time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from enginedge.errors import EnginEdgeError
from enginedge.health.probes import ask
from enginedge.platform import Service


@dataclass(frozen=True)
class Answer:
    """What became of one question; ``reason`` is empty where the service is ready."""

    service: str
    is_ready: bool
    seconds: float
    reason: str
    remedy: str


def check(services: Sequence[Service]) -> list[Answer]:
    """Ask each of ``services`` once; the answers are in their order."""
    with ThreadPoolExecutor(max(1, len(services))) as pool:
        return list(pool.map(_asked, services))


def _asked(service: Service) -> Answer:
    began = time.monotonic()
    reason = remedy = ""
    try:
        ask(service)
    except EnginEdgeError as error:
        reason, remedy = error.what, error.remedy
    return Answer(service.name, not reason, round(time.monotonic() - began, 3), reason, remedy)
