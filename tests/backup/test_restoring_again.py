"""A restore that broke off is ended by the very same command, and the way back is still the first one."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
from typing import Any

import pytest

from enginedge.backup import night, restoring
from enginedge.backup.catalogue import catalogue
from enginedge.backup.repository import repository
from enginedge.backup.stores import Store
from tests.backup.places import NAME, Place, asked

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("running_stores")]


@pytest.mark.parametrize(
    ("place", "moment"), [("folder", "emptied"), ("folder", "filled"), ("buckets", "filled")], indirect=["place"]
)
def test_the_same_command_restores_the_same_backup_and_not_what_the_first_attempt_has_kept(
    place: Place, moment: str
) -> None:
    killed = multiprocessing.get_context("fork").Process(target=_killed, args=(place.store, moment))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    if moment == "filled":  # the night comes in between, and backs up what the first attempt has left
        night.back_up(place.store, repository(), catalogue())
    told = restoring.restore(asked(replace=NAME))
    assert told["backup"] == place.backup
    assert place.read() == ["early"]
    if place.store.home:
        subprocess.run(told["undo"], shell=True, check=True)  # noqa: S602 - as the operator does
    else:
        (safety,) = re.findall(r"--backup (\S+)", told["undo"])
        restoring.restore(asked(backup=safety, replace=NAME))
    assert place.read() == ["early", "late"]


def _killed(store: Store, moment: str) -> None:
    """Restore, and be killed when the target is ``emptied``, or ``filled`` and not compared yet."""

    def killed(*_: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "emptied":
        type(store.source).restore = killed  # type: ignore[method-assign]
    else:
        restoring.compare = killed  # type: ignore[assignment]
    restoring.restore(asked(replace=NAME))
