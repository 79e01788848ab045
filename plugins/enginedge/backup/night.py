"""A night's backups: every store apart, a few at a time, so that one store's failure stops no other's."""

from __future__ import annotations

import fcntl
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

from enginedge import fence
from enginedge.backup.catalogue import Catalogue
from enginedge.backup.repository import Restic
from enginedge.backup.shapes import Manifest
from enginedge.backup.stores import Store
from enginedge.errors import EnginEdgeError, Unavailable, Violated
from enginedge.kernel_lock import taken
from enginedge.private_files import private_folder
from enginedge.settings import settings

AT_ONCE = 2
#: Stores that others point at: they are dumped after those, so that everything that is pointed at is in the dump, and
#: from the one dump to the other nothing that is pointed at is deleted.
POINTING, POINTED_AT = ("postgres",), ("minio",)
UNFENCED = "lake not fenced"


@dataclass(frozen=True)
class Outcome:
    """What became of one store: its manifest, or its failure."""

    store: str
    manifest: Manifest | None = None
    failure: EnginEdgeError | None = None


def prepare(repository: Restic, catalogue: Catalogue, like: Restic | None = None) -> None:
    """Make the repository where there never was one, to cut its bytes as ``like`` does.

    Raises:
        Unavailable: the place does not answer.
        Violated: there was one, or there are manifests: it was deleted, and a new one would hide that.
    """
    if repository.exists():
        return
    known = catalogue.read().manifests
    if known or repository.was_deleted():
        raise Violated(
            f"the repository is gone, and {len(known) or 'all'} backups with it",
            where=repository.where,
            untouched="what is left in the bucket",
            remedy="bring back the older versions of its objects, which the bucket keeps, or use the second copy",
        )
    repository.create(like)


def back_up(store: Store, repository: Restic, catalogue: Catalogue) -> Manifest:
    """Dump ``store`` and write its manifest, which is what makes the backup one.

    Raises:
        Unavailable: the dump failed, or another backup of this store is running.
    """
    with alone(store.name):
        return back_up_held(store, repository, catalogue)


def back_up_held(store: Store, repository: Restic, catalogue: Catalogue, safety: bool = False) -> Manifest:
    """What :func:`back_up` does, for who is :func:`alone` with the store already and goes on being so; ``safety`` says
    that it is about to be replaced."""
    began = time.monotonic()
    before = catalogue.read(store.name).manifests
    id_ = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}"
    with _fenced(store.name, id_) as fenced:
        dumped = store.witness(store.source.dump(repository.marked(store.name, id_)))
    dumped = replace(dumped, tool_versions={**dumped.tool_versions, **repository.version()})
    if not fenced:
        dumped = replace(dumped, consistency=f"{dumped.consistency}, {UNFENCED}")
    # a clock that was set back stops no counting; nor does a first place that was lost, with all that was counted there
    number = max(max((each.number for each in before), default=0) + 1, int(time.time()))
    manifest = Manifest(id_, store.name, dumped, round(time.monotonic() - began, 3), number, safety)
    catalogue.add(manifest)
    return manifest


def back_up_all(
    stores: Sequence[Store],
    repository: Restic,
    catalogue: Catalogue,
    say: Callable[[Outcome], None] = lambda _: None,
    at_once: int = AT_ONCE,
) -> list[Outcome]:
    """Back up ``stores``, ``at_once`` of them at a time, those that others point at last; each outcome is said as it
    comes."""

    def one(store: Store) -> Outcome:
        try:
            outcome = Outcome(store.name, manifest=back_up(store, repository, catalogue))
        except EnginEdgeError as failure:
            outcome = Outcome(store.name, failure=failure)
        say(outcome)
        return outcome

    with ThreadPoolExecutor(at_once) as pool:
        first = list(pool.map(one, [each for each in stores if each.name not in POINTED_AT]))
        return first + list(pool.map(one, [each for each in stores if each.name in POINTED_AT]))


def _fenced(store: str, backup: str) -> AbstractContextManager[bool]:
    """What points at the lake's files puts their fence up, and their own dump takes it down."""
    if store in POINTING:
        return fence.raised(backup)
    return fence.lowering() if store in POINTED_AT else nullcontext(True)


def reading(store: str) -> AbstractContextManager[None]:
    """A drill's reading of a store's backups, of which there may be several at a time.

    Raises:
        Unavailable: backups are being given up.
    """
    return _locked(f"{store}.reading", fcntl.LOCK_SH, "backups are being given up")


def unread(store: str) -> AbstractContextManager[None]:
    """No drill reads the store's backups meanwhile.

    Raises:
        Unavailable: one does.
    """
    return _locked(f"{store}.reading", fcntl.LOCK_EX, "a drill of it is running")


def alone(store: str) -> AbstractContextManager[None]:
    """One backup or restore of a store at a time.

    Raises:
        Unavailable: another one holds it.
    """
    return _locked(store, fcntl.LOCK_EX, "a backup or a restore of it is running")


@contextmanager
def _locked(name: str, how: int, otherwise: str) -> Iterator[None]:
    with (private_folder(settings().state / "run" / "backup") / f"{name}.lock").open("w") as lock:
        if not taken(lock, how):
            store = name.partition(".")[0]
            raise Unavailable(otherwise, where=store, untouched="that one", remedy="wait until it ends")
        yield
