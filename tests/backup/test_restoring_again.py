"""A restore that broke off is ended by the very same command, and the way back is still the first one."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
from datetime import timedelta
from typing import Any

import pytest

from enginedge.backup import night, restoring, unfinished
from enginedge.backup.catalogue import catalogue
from enginedge.backup.foretelling import Request
from enginedge.backup.repository import repository
from enginedge.backup.stores import Store
from tests.backup.places import BUCKET, NAME, Place, asked

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


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_who_has_gone_back_restores_the_newest_and_is_told_its_own_way_back(place: Place) -> None:
    assert place.store.home
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(place.store, "emptied"))
    process.start()
    process.join()
    (begun,) = unfinished._all()
    assert unfinished.backups() == {place.backup}, "retention leaves it alone"
    subprocess.run(begun.way_back, shell=True, check=True)  # noqa: S602 - as the operator does
    place.write("later")
    newest = night.back_up(place.store, repository(), catalogue())
    place.write("latest")
    told = restoring.restore(asked(replace=NAME))
    assert told["backup"] == newest.id
    assert place.read() == ["early", "late", "later"]
    subprocess.run(told["undo"], shell=True, check=True)  # noqa: S602 - as the operator does
    assert place.read() == ["early", "late", "later", "latest"]


@pytest.mark.parametrize("place", ["buckets"], indirect=True)
@pytest.mark.parametrize("ended_by", ["a day", "a restore of all of it"])
def test_an_attempt_that_somebody_has_long_forgotten_decides_nothing(
    place: Place, ended_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = asked(only=f"{BUCKET}/said/", replace=NAME)
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(place.store, "part", part))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    if ended_by == "a day":
        monkeypatch.setattr(unfinished, "FOR", timedelta(0))
    else:
        restoring.restore(asked(replace=NAME))
    place.write("later")
    newest = night.back_up(place.store, repository(), catalogue())
    said: list[str] = []
    assert restoring.restore(part, say=said.append)["backup"] == newest.id
    assert "later" in place.read()
    assert not [line for line in said if "broke off" in line]


def _killed(store: Store, moment: str, request: Request | None = None) -> None:
    """Restore, and be killed when the target is ``emptied``, or ``filled`` and not compared yet, or before a ``part``
    is put in its place."""

    def killed(*_: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "part":
        type(store.parts).restore = killed  # type: ignore[method-assign]
    elif moment == "emptied":
        type(store.source).restore = killed  # type: ignore[method-assign]
    else:
        restoring.compare = killed  # type: ignore[assignment]
    restoring.restore(request or asked(replace=NAME))
