"""Restoring in earnest: into the store itself, or into the folder that its service runs on.

What is there already is replaced only by whoever says so in words. A safety backup of it is taken first, or it is
renamed, so that a restore can be undone; and what came out is compared with the backup's fingerprint, as a drill does.
One that was killed is repeated by the same command.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from enginedge.backup import night, unfinished
from enginedge.backup.catalogue import catalogue
from enginedge.backup.drills import compare
from enginedge.backup.foretelling import Aim, Request, aim, foretold_s
from enginedge.backup.parts.shapes import Part
from enginedge.backup.repository import repository
from enginedge.backup.shapes import refuse_present
from enginedge.errors import EnginEdgeError, Misconfigured, Violated
from enginedge.settings import settings


def restore(request: Request, say: Callable[[str], object] = print) -> dict[str, Any]:
    """Restore as asked; returns what was done as a row, with the way back, which is said before anything goes.

    Raises:
        Misconfigured: something is in the way and was not said to be replaced, or the store's service is running.
        Unavailable: a backup or a restore of the store is running, or the safety backup failed, and nothing was
            touched; or the store or the repository broke off.
        Violated: the repository lacks what the backup is made of, and nothing was touched; or what was restored is not
            what was dumped.
    """
    aimed = aim(request)
    begun = unfinished.begun(aimed.where)
    if begun and not begun.is_named and not request.backup:
        aimed = aim(replace(request, backup=begun.backup))  # a newer one may be of what the first attempt has left
        say(f"A restore of {begun.backup} into it broke off at {begun.at}, and is repeated; --backup ID takes another")
    if not aimed.part and aimed.in_home:
        refuse_running(aimed.store.name)
    with night.alone(aimed.store.name):  # what is there must not change between its safety backup and its end
        if not request.replace:
            _refuse(aimed)
        _refuse_lost(aimed)
        if aimed.is_dumped:
            say(f"Backing up first what is in {aimed.where}")
        kept, aside = _kept(aimed, say), str(aimed.aside or "")
        with unfinished.noted(aimed.where, kept, aimed.manifest.id, bool(request.backup), aside) as first:
            say(f"To undo it: {first}")
            if kept != first:
                say(f"To go back to what the one that broke off has left: {kept}")
            foretold = foretold_s(aimed.found, aimed.manifest)
            as_drilled = f"; all of it took {foretold:.0f} s in a drill" if foretold else ""
            say(f"Restoring {aimed.manifest.id}{as_drilled}")
            began = time.monotonic()
            parts = _part(aimed) if aimed.part else _whole(aimed)
            took = round(time.monotonic() - began, 3)
            if not aimed.part and not aimed.store.answers:
                say("Nothing was compared, since nothing answers there yet: a drill of this backup does that")
    told = {"store": aimed.store.name, "backup": aimed.manifest.id, "part": request.only, "target": aimed.where}
    return {**told, "restore_s": took, "parts": parts, "undo": first}


def _whole(aimed: Aim) -> int:
    """Restore into the target, emptied, and let its users in when it has been compared."""
    store, source = aimed.store, aimed.store.source
    if aimed.present:
        source.clear(aimed.target, aimed.aside)
    source.restore(aimed.manifest.dumped, repository(aimed.request.location), aimed.target)
    parts = compare(store, aimed.manifest, aimed.target) if store.answers else 0
    source.admit(aimed.target)
    return parts


def _part(aimed: Aim) -> int:
    assert aimed.part and aimed.store.parts  # noqa: S101, PT018 - an aim has a part only where its store has parts
    return aimed.store.parts.restore(
        aimed.part, aimed.manifest.dumped, repository(aimed.request.location), aimed.target, aimed.store.scratch
    )


def _kept(aimed: Aim, say: Callable[[str], object]) -> str:
    """Keep what is there, or say where it will be kept, and return the way back to it.

    Raises:
        Unavailable: it could not be dumped, and nobody waived that.
        Misconfigured: it was dumped, and what is to be replaced is not among it.
    """
    if aimed.aside:
        return aimed.way_back(aside=str(aimed.aside))
    if not aimed.is_dumped:
        return aimed.way_back()
    store, location = aimed.store, aimed.request.location
    try:
        night.prepare(repository(location), catalogue(location))
        safety = night.back_up_held(store, repository(location), catalogue(location), safety=True)
    except EnginEdgeError as failure:
        if first := unfinished.begun(aimed.where):
            # it need not be whole enough to be dumped
            say(f"What the one that broke off has left is not kept, since it cannot be dumped: {failure}")
            return first.way_back
        raise type(failure)(
            f"the safety backup of what is there failed ({failure})",
            where=store.name,
            untouched="the store",
            remedy=f"mend that, or, where it is dead, waive it: --without-safety-backup {store.name}",
        ) from failure
    if aimed.part and store.parts:
        try:
            store.parts.check(Part(aimed.part.to, aimed.part.to), safety.dumped)
        except Misconfigured as failure:
            raise Misconfigured(
                f"{', '.join(aimed.present)} would go, and is in no backup of {store.name}",
                where=aimed.where,
                untouched="what is there",
                remedy=f"restore under another name, or give it up: --without-safety-backup {store.name}",
            ) from failure
    return aimed.way_back(safety.id)


def _refuse(aimed: Aim) -> None:
    if aimed.present and unfinished.begun(aimed.where):
        raise Misconfigured(
            f"a restore into it broke off, and has left {', '.join(aimed.present)}",
            where=aimed.where,
            untouched="what it has left",
            remedy=f"repeat it with --replace {aimed.store.name}",
        )
    say_so = f"say that it may go: --replace {aimed.store.name}"
    other = "into another folder (--folder)" if aimed.folder else "a part under another name (--only, --as)"
    refuse_present(aimed.present, aimed.where, f"restore {other}, or {say_so}; what is there is kept first")


def _refuse_lost(aimed: Aim) -> None:
    """Return when the repository opens and has all that the backup is made of: what is there never goes for less.

    Raises:
        Violated: it lacks some of it.
    """
    there = repository(aimed.request.location)
    if lacking := aimed.manifest.lacking(there.ids()):
        raise Violated(
            f"it lacks {len(lacking)} of the objects of {aimed.manifest.id}",
            where=there.where,
            untouched=aimed.where,
            remedy="choose another backup, or bring back the older versions of its objects, which the bucket keeps",
        )


def refuse_running(store: str) -> None:
    """Return when nobody answers where the store's service does.

    Raises:
        Misconfigured: somebody does.
    """
    at = settings().endpoint(store)
    with suppress(OSError), socket.create_connection((at.host, at.port), timeout=2):
        raise Misconfigured(
            "it is running on the folder that is to be restored",
            where=f"{store} at {at}",
            untouched="the folder",
            remedy=f"stop it (`python -m deploy.local.stack stop {store}`), restore, and start it again",
        )
