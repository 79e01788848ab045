"""Restores that were begun and have not ended: what to tell whoever repeats one that was killed.

What it has left in its target is no state that anybody wants back, so the way back is the one from before the first
attempt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from enginedge.errors import EnginEdgeError, Misconfigured
from enginedge.private_files import private_folder, write_private
from enginedge.settings import settings


@contextmanager
def noted(target: str, way_back: str, backup: str) -> Iterator[str]:
    """Note down, until the ``with`` has ended well, that ``target`` is being restored into; gives the way back.

    ``backup`` is what was chosen for who named none, and is chosen again when that is repeated.

    Raises:
        EnginEdgeError: what was raised inside, with the way back beside its own remedy; where that is a refusal,
            nothing was begun, and there is nothing to note.
    """
    before = way_back_from(target)
    first = before or way_back
    write_private(_note(target), json.dumps({"target": target, "way_back": first, "backup": backup}))
    try:
        yield first
    except Misconfigured:
        if not before:
            _note(target).unlink()
        raise
    except EnginEdgeError as failure:
        remedy = f"{failure.remedy}; to go back to what was there: {first}" if failure.remedy else f"go back: {first}"
        raise type(failure)(failure.what, where=failure.where, untouched=failure.untouched, remedy=remedy) from failure
    _note(target).unlink()


def way_back_from(target: str) -> str:
    """How the restore into ``target`` that broke off is undone; empty where none did."""
    return _noted(target, "way_back")


def backup_of(target: str) -> str:
    """The backup that was chosen for the restore into ``target`` that broke off; empty where none did, or named it."""
    return _noted(target, "backup")


def _noted(target: str, what: str) -> str:
    try:
        return str(json.loads(_note(target).read_text()).get(what, ""))
    except FileNotFoundError:
        return ""


def _note(target: str) -> Path:
    name = sha256(target.encode()).hexdigest()[:16]
    return private_folder(settings().state / "run" / "restore") / f"{name}.json"
