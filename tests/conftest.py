"""Which installation the tests see: a stack of their own, so that a running ``make up`` is left alone.

``ENGINEDGE_TEST_STACK=running`` points them at the stack that is already up instead, for a quick look while developing.
``ENGINEDGE_TEST_PORT_SHIFT`` says how far above the usual ports its own are, where two checkouts are tested at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.installation import ROOT, point_at, stack

if os.environ.get("ENGINEDGE_TEST_STACK") != "running":
    point_at(ROOT / ".state" / "test", int(os.environ.get("ENGINEDGE_TEST_PORT_SHIFT", "20000")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests first, then the stack's and the browser's, at random; what breaks things last, as it is written."""

    def rank(item: pytest.Item) -> tuple[int, str, int]:
        if item.get_closest_marker("destructive"):
            path, line, _ = item.location
            return 3, path, line or 0
        if item.get_closest_marker("browser"):
            return 2, "", 0
        return (1 if item.get_closest_marker("stack") else 0), "", 0

    items.sort(key=rank)


@pytest.fixture(scope="session")
def running_stack() -> Iterator[None]:
    """Every service is Ready; at the end of the session what was started here is stopped again."""
    try:
        stack("up")
        yield
    finally:
        if os.environ.get("ENGINEDGE_TEST_STACK") != "running":
            stack("down")
