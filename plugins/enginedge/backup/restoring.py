"""Restoring in earnest: into the store itself, or into the folder that its service runs on.

What is there already is replaced only by whoever says so in words. A safety backup of it is taken first, or its folder
is set aside, so that a restore can be undone; and what came out is compared with the backup's fingerprint, as a drill
does. One that was killed is repeated by the same command.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from enginedge.backup import night, unfinished
from enginedge.backup.catalogue import catalogue
from enginedge.backup.drills import compare
from enginedge.backup.foretelling import Request, chosen, undone_by
from enginedge.backup.repository import repository
from enginedge.backup.shapes import Manifest, refuse_present
from enginedge.backup.stores import Store, declared_stores
from enginedge.errors import EnginEdgeError, Misconfigured
from enginedge.settings import settings


def restore(request: Request, say: Callable[[str], object] = print) -> dict[str, Any]:
    """Restore as asked; returns what was done as a row, with the way back, which is said before anything is touched.

    Raises:
        Misconfigured: the target is not empty and was not said to be replaced, or its service is running.
        Unavailable: the safety backup failed, and nothing was touched; or the store or the repository broke off.
        Violated: what was restored is not what was dumped.
    """
    (store,) = declared_stores([request.store])
    manifest = chosen(request)
    target = store.target(request.folder)
    where = str(getattr(target, "where", target))
    if store.home and store.home == (request.folder or store.home):
        refuse_running(store.name)
    present = store.source.present(target)
    if not request.replace:
        _refuse(present, where, request)
    way_back = _kept(store, target, request) if present else f"empty {where} again"
    with night.alone(store.name), unfinished.noted(where, way_back) as first:
        say(f"To undo it: {first}")
        began = time.monotonic()
        if present and not store.home:
            store.source.clear(target)
        parts = _filled(store, manifest, target, request)
        took = round(time.monotonic() - began, 3)
    told = {"store": store.name, "backup": manifest.id, "target": where}
    return {**told, "restore_s": took, "parts": parts, "undo": first}


def _filled(store: Store, manifest: Manifest, target: Any, request: Request) -> int:
    """Restore into the empty ``target``, and let its users in when it has been compared."""
    store.source.restore(manifest.dumped, repository(request.location), target)
    parts = compare(store, manifest, target) if store.answers else 0
    store.source.admit(target)
    return parts


def _kept(store: Store, target: Any, request: Request) -> str:
    """Keep what is there, and return how it is got back: it is set aside where it is a folder, and else dumped.

    Raises:
        Unavailable: it could not be dumped, and nobody waived that.
    """
    if store.home:
        return f"set {target} aside and rename {store.source.clear(target)} to it"
    if request.without_safety_backup:
        return "it cannot be undone: the safety backup was waived"
    try:
        night.prepare(repository(request.location), catalogue(request.location))
        safety = night.back_up(store, repository(request.location), catalogue(request.location))
    except EnginEdgeError as failure:
        raise type(failure)(
            f"the safety backup of what is there failed ({failure})",
            where=store.name,
            untouched="the store",
            remedy=f"mend that, or, where it is dead, waive it: --without-safety-backup {store.name}",
        ) from failure
    return undone_by(request, safety.id)


def _refuse(present: list[str], where: str, request: Request) -> None:
    if present and unfinished.way_back_from(where):
        raise Misconfigured(
            f"a restore into it broke off, and has left {', '.join(present)}",
            where=where,
            untouched="what it has left",
            remedy=f"repeat it with --replace {request.store}",
        )
    refuse_present(present, where)


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
