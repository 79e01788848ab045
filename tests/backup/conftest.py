"""A store with a backup and with what was written since, for whoever restores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from enginedge.backup import foretelling, restoring
from enginedge.backup.catalogue import catalogue
from enginedge.backup.night import back_up, prepare
from enginedge.backup.repository import repository
from enginedge.settings import settings
from tests.backup.places import NAME, PLACES, Place


@pytest.fixture
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A store that holds ``early`` in its newest backup, and ``early`` and ``late`` now."""
    shutil.rmtree(settings().state / "run" / "restore", ignore_errors=True)  # of a test that failed
    with PLACES[request.param]() as found:
        monkeypatch.setattr(foretelling, "declared_stores", lambda _: [found.store])
        monkeypatch.setattr(restoring, "refuse_running", lambda _: None)
        found.write("early")
        prepare(repository(), catalogue())
        for each in catalogue().read(NAME).manifests:  # of the tests before: each restore reads them all
            catalogue().remove(each)
        found.backup = back_up(found.store, repository(), catalogue()).id
        found.write("late")
        yield found
