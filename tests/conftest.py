"""Which installation the tests see: a stack of their own, on ports of its own, so that a running ``make up`` is left alone.

``ENGINEDGE_TEST_STACK=running`` points them at the stack that is already up instead, for a quick look while developing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PORT_SHIFT = 20_000


def _own_installation() -> None:
    """Point this process and its children at ``.state/test`` and at the inventory's ports, each shifted."""
    state = ROOT / ".state" / "test"
    os.environ.update(ENGINEDGE_ROOT=str(ROOT), ENGINEDGE_STATE=str(state), ENGINEDGE_SECRETS=str(state / "secrets"))
    from enginedge.platform import load_platform

    for service in load_platform(ROOT / "deploy" / "platform.yaml").services:
        for index, (port, number) in enumerate(service.ports.items()):
            name = service.name if index == 0 else f"{service.name}_{port}"
            variable = "ENGINEDGE_PORT_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
            os.environ.setdefault(variable, str(number + PORT_SHIFT))


if os.environ.get("ENGINEDGE_TEST_STACK") != "running":
    _own_installation()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests first, the stack's tests after them, and what stops services or fills disks last of all."""

    def rank(item: pytest.Item) -> int:
        if item.get_closest_marker("destructive"):
            return 3
        if item.get_closest_marker("browser"):
            return 2
        return 1 if item.get_closest_marker("stack") else 0

    items.sort(key=rank)
