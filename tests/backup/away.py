"""A place that goes away while half of an object is there, and comes back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from enginedge.backup.repository import BUCKET, Restic
from enginedge.backup.scratch.minio import scratch_minio
from enginedge.backup.shapes import Command
from tests.backup.in_folder import installation_in
from tests.backup.relay import Relay, relay
from tests.contracts.repository_suite import loaded

MIB = 2**20
WHOLE, HALF = 60 * MIB, 40 * MIB
BACKUP = "away"


@contextmanager
def repository_on_its_own(folder: Path) -> Iterator[Restic]:
    """An empty repository on a MinIO of its own, and an installation around it."""
    with installation_in(folder), scratch_minio([BUCKET]) as store:
        made = Restic(store)
        made.create()
        yield made


def refuse_what_an_absence_spoils(place: Restic, folder: Path, seconds: float) -> None:
    """Return when an object, half of which was saved while nobody answered for so long, is there once and whole."""
    content, half = folder / "content", folder / "half"
    content.write_bytes(os.urandom(WHOLE))
    script = f"head -c {HALF} {content}; touch {half}; sleep 1; tail -c +{HALF + 1} {content}"
    with relay(int(place.store.url.rpartition(":")[2])) as way:
        absence = threading.Thread(target=_away, args=(way, half, seconds), daemon=True)
        absence.start()
        there = replace(place, store=replace(place.store, url=f"http://127.0.0.1:{way.port}"))
        began = time.monotonic()
        saved = there.marked("suite", BACKUP).save_output("thing", Command(("sh", "-c", script)))
        took = time.monotonic() - began
        absence.join()
    assert took > seconds, "it was saved before the place went away"
    assert set(place.ids(BACKUP)) == {saved.id}
    assert loaded(place, saved, folder / "copy") == content.read_bytes()
    place.check()


def _away(way: Relay, since: Path, seconds: float) -> None:
    while not since.exists():
        time.sleep(0.02)
    way.cut()
    time.sleep(seconds)
    way.mend()
