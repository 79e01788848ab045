"""Which installation the tests see: a stack of their own, so that a running ``make up`` is left alone.

``ENGINEDGE_TEST_STACK=running`` points them at the stack that is already up instead, for a quick look while developing.
``ENGINEDGE_TEST_PORT_SHIFT`` says how far above the usual ports its own are, where two checkouts are tested at once.
"""

from __future__ import annotations

import os

import pytest

from tests.installation import ROOT, BackgroundStack, point_at

OWN = os.environ.get("ENGINEDGE_TEST_STACK") != "running"
if OWN:
    point_at(ROOT / ".state" / "test", int(os.environ.get("ENGINEDGE_TEST_PORT_SHIFT", "20000")))


STACK = pytest.StashKey[BackgroundStack]()


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


def pytest_collection_finish(session: pytest.Session) -> None:
    """The stack comes up while the unit tests run: they leave a core idle, and it takes longer than a minute."""
    if OWN and not session.config.option.collectonly and any(map(_needs_the_stack, session.items)):
        session.config.stash[STACK] = BackgroundStack()


def pytest_unconfigure(config: pytest.Config) -> None:
    """What was started here is stopped again, however the session ended."""
    if own := config.stash.get(STACK, None):
        own.down()


@pytest.fixture(scope="session")
def running_stack(pytestconfig: pytest.Config) -> None:
    """Every service is Ready."""
    if own := pytestconfig.stash.get(STACK, None):
        own.wait_until_ready()


def _needs_the_stack(item: pytest.Item) -> bool:
    return "running_stack" in getattr(item, "fixturenames", ())
