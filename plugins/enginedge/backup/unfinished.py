"""Restores that were begun and have not ended: what to tell whoever repeats one that was killed.

What it has left in its target is no state that anybody wants back, so the way back is the one from before the first
attempt. That is so for a day: whoever restores later means something else, and so does whoever has gone back already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from enginedge.errors import EnginEdgeError, Misconfigured
from enginedge.private_files import private_folder, write_private
from enginedge.settings import settings

FOR = timedelta(days=1)


@dataclass(frozen=True)
class Unfinished:
    """A restore into ``target`` that has not ended.

    Attributes:
        way_back: from what it has left to what was there before it.
        backup: what it restores.
        is_named: whether somebody named that backup; else it was the newest, and is chosen again.
        aside: where the folder is that was in its way; empty where it sets none aside.
        at: when it was begun, in ISO 8601.
    """

    target: str
    way_back: str
    backup: str
    is_named: bool
    aside: str
    at: str

    @property
    def is_of_now(self) -> bool:
        """Whether it can be what is repeated now: who has gone back by hand has moved the folder to its old place."""
        is_young = datetime.now(UTC) - datetime.fromisoformat(self.at) < FOR
        return is_young and (not self.aside or Path(self.aside).exists())


@contextmanager
def noted(target: str, way_back: str, backup: str, is_named: bool = True, aside: str = "") -> Iterator[str]:
    """Note down, until the ``with`` has ended well, that ``target`` is being restored into; gives the way back.

    With it end the restores of parts of the same target that broke off before.

    Raises:
        EnginEdgeError: what was raised inside, with the way back beside its own remedy; where that is a refusal,
            nothing was begun, and there is nothing to note.
    """
    before = begun(target)
    first = before or Unfinished(target, way_back, backup, is_named, aside, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S%z}")
    write_private(_note(target), json.dumps(asdict(first)))
    try:
        yield first.way_back
    except Misconfigured:
        if not before:
            _note(target).unlink()
        raise
    except EnginEdgeError as failure:
        back = first.way_back
        remedy = f"{failure.remedy}; to go back to what was there: {back}" if failure.remedy else f"go back: {back}"
        raise type(failure)(failure.what, where=failure.where, untouched=failure.untouched, remedy=remedy) from failure
    for each in _all():
        if each.target == target or each.target.startswith(f"{target}, as "):
            _note(each.target).unlink(missing_ok=True)


def begun(target: str) -> Unfinished | None:
    """The restore into ``target`` that broke off and can be what is repeated now; none where there is none."""
    return next((each for each in _all() if each.target == target and each.is_of_now), None)


def backups() -> set[str]:
    """The ids of the backups that may be restored again, since a restore of them broke off."""
    return {each.backup for each in _all() if each.is_of_now}


def _all() -> list[Unfinished]:
    found = []
    for path in _folder().glob("*.json"):
        with suppress(FileNotFoundError, ValueError, TypeError):  # one that has ended meanwhile, or of another version
            found.append(Unfinished(**json.loads(path.read_text())))
    return found


def _note(target: str) -> Path:
    return _folder() / f"{sha256(target.encode()).hexdigest()[:16]}.json"


def _folder() -> Path:
    return private_folder(settings().state / "run" / "restore")
