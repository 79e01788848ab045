"""Which installation the tests see: a stack of their own, so that a running ``make up`` is left alone.

``ENGINEDGE_TEST_STACK=running`` points them at the stack that is already up instead, for a quick look while developing.
``ENGINEDGE_TEST_PORT_SHIFT`` says how far above the usual ports its own are, where two checkouts are tested at once.
``ENGINEDGE_TEST_LANE`` is the lane of the gate: each has a state folder and ports of its own; without it, the stack's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from tests.gate import LANES, MARKS
from tests.installation import ROOT, BackgroundStack, point_at, stack

OWN = os.environ.get("ENGINEDGE_TEST_STACK") != "running"
LANE = os.environ.get("ENGINEDGE_TEST_LANE") or "stack"
APART = 2500  # between the ports of two lanes: no two of the inventory's are that far from each other, or twice
if OWN:
    shift = int(os.environ.get("ENGINEDGE_TEST_PORT_SHIFT", "20000"))
    point_at(ROOT / ".state" / ("test" if LANE == "stack" else f"test-{LANE}"), shift - APART * list(LANES).index(LANE))
    os.environ["ENGINEDGE_SHORT_LIVED"] = "on"


STACK = pytest.StashKey[BackgroundStack]()
KINDS = ("stores", "stack", "browser")
STORES = "postgres,minio,mongodb,etcd,offsite,kafka"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """The lane of the stack and that of the stores read no file without a test of theirs: to read them all takes ten
    seconds of the processor."""
    marks = MARKS.get(os.environ.get("ENGINEDGE_TEST_LANE", ""))
    if marks and collection_path.match("test_*.py"):
        return None if _marks_in(collection_path).intersection(marks) else True
    return None


@cache
def _marks_in(path: Path) -> set[str]:
    return set(re.findall(r"\bmark\.(\w+)", path.read_text()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests first, then those of the stores, of the stack and of the browser, each kind at random; what breaks
    things last, as it is written."""

    def rank(item: pytest.Item) -> tuple[int, str, int]:
        if item.get_closest_marker("destructive"):
            path, line, _ = item.location
            return len(KINDS) + 1, path, line or 0
        return max((1 + KINDS.index(kind) for kind in KINDS if item.get_closest_marker(kind)), default=0), "", 0

    items.sort(key=rank)
    ours = set(chain(*MARKS.values()))
    for item in items:
        if hidden := {each.name for each in item.iter_markers()} & ours - _marks_in(item.path):
            raise pytest.UsageError(f"{item.path} has {hidden} from elsewhere: its lane would not read it")


def pytest_configure(config: pytest.Config) -> None:
    """The lane of the stack brings it up while it looks for its tests, unless it is asked for some of them only."""
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if OWN and os.environ.get("ENGINEDGE_TEST_LANE") == "stack" and everything:
        _bring_up(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """The stack comes up while the unit tests run: they leave a core idle, and it takes longer than a minute."""
    if OWN and STACK not in session.config.stash and any(map(_needs_the_stack, session.items)):
        _bring_up(session.config)


def _bring_up(config: pytest.Config) -> None:
    if not config.option.collectonly:
        config.stash[STACK] = BackgroundStack()


def pytest_unconfigure(config: pytest.Config) -> None:
    """What was started here is stopped again, however the session ended."""
    if own := config.stash.get(STACK, None):
        own.down()


@pytest.fixture(scope="session")
def running_stack(pytestconfig: pytest.Config) -> None:
    """Every service is Ready."""
    if own := pytestconfig.stash.get(STACK, None):
        own.wait_until_ready()
        _open_quickly()


@pytest.fixture(scope="session")
def running_stores(pytestconfig: pytest.Config) -> Iterator[None]:
    """The stores of the platform are Ready, and, where no test of this session needs the stack, nothing else is."""
    own = pytestconfig.stash.get(STACK, None)
    try:
        if own:
            own.wait_until_ready()
        else:
            stack("up", "--only", STORES)
        if OWN:
            _open_quickly()
        yield
    finally:
        if OWN and not own:
            stack("down")


def _open_quickly() -> None:
    """The repository is there, and its second where there was one, and neither makes the tests wait for its key."""
    from enginedge.backup.catalogue import catalogue
    from enginedge.backup.locations import Location
    from enginedge.backup.night import prepare
    from enginedge.backup.repository import repository
    from tests.backup.quick_key import quicken

    prepare(repository(), catalogue())
    for each in map(repository, Location):
        if each.exists():
            quicken(each)


def _needs_the_stack(item: pytest.Item) -> bool:
    return "running_stack" in getattr(item, "fixturenames", ())
