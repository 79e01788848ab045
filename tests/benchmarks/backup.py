"""The backups' figures: ``make bench-backup``, or one store's: ``python -m tests.benchmarks.backup --only etcd``.

Each store holds a gigabyte (etcd a tenth). Ours is what a night does: the repository is asked for, the store is dumped
and described, the manifest is signed. By hand it is the same tool with the same options, printing into restic. Every
measured backup fills a repository of its own; both restores read the same kind of object and fill a new scratch server.
Where a tool needs a file it has one on both sides: etcd's snapshot, at the dump and at the restore, and nothing else.
"""

from __future__ import annotations

import json
import secrets
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

import typer

from enginedge.backup import night
from enginedge.backup.catalogue import Catalogue
from enginedge.backup.drills import compare
from enginedge.backup.object_store import object_store
from enginedge.backup.repository import Restic
from enginedge.backup.shapes import Manifest, Snapshot
from enginedge.backup.tools import environment
from enginedge.shell import run_piped
from tests.benchmarks.filled import Kind, kinds
from tests.benchmarks.measure import Figure, figure, publish, seconds
from tests.benchmarks.stack import own_stack, tell

AREA = "backup"
STORES = "postgres,minio,mongodb,etcd"
NAMES = ["postgres", "mongodb", "buckets", "volumes", "etcd"]
GIGABYTE = 10**9
ALIKE = 0.02  # the bytes that both sides feed the engine differ by no more: a tool's own headers
GOAL, TOGETHER_GOAL, GROWTH_GOAL = 1.05, 1.3, 1.1
#: What a second night stores though nothing was appended: the chunks around what changed, and of etcd's file, whose
#: pages change in place, a chunk for each.
CONSTANT = {"postgres": 4e6, "mongodb": 4e6, "buckets": 4e6, "volumes": 4e6, "etcd": 20e6}


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(NAMES)}; repeat it. Default: all.")] = None,
    runs: Annotated[int, typer.Option(help="How many pairs each figure has.")] = 3,
    scale: Annotated[float, typer.Option(help="The size of a store; 1 is a gigabyte, of etcd a tenth.")] = 1.0,
) -> None:
    """Measure, print, and write ``.bench/backup.json``, store by store."""
    if unknown := set(only or NAMES) - set(NAMES):
        raise typer.BadParameter(f"no store is called {', '.join(sorted(unknown))}", param_hint="--only")
    with own_stack(only=STORES):
        chosen = [each for each in kinds() if each.name in (only or NAMES)]
        alone: dict[str, float] = {}
        grown: list[float] = []
        for kind in chosen:
            tell(f"{kind.name}: filled in {seconds(lambda: kind.append(_size(kind, scale))):.0f} s")  # noqa: B023
            figures, alone[kind.name] = _measured(kind, runs)
            growth, ratio = _growth(kind, scale)
            grown.append(ratio)
            publish(AREA, [*figures, *growth])
        publish(AREA, [figure("second_night_appended_stored_over_changed", grown, goal=GROWTH_GOAL)])
        if len(chosen) > 1:
            longest = max(chosen, key=lambda each: alone[each.name])
            publish(AREA, [_together(chosen, longest, runs)])
    tell("measured")


def _size(kind: Kind, scale: float) -> int:
    return int(GIGABYTE * kind.share * scale)


def _measured(kind: Kind, runs: int) -> tuple[list[Figure], float]:
    """The store's backup and restore over the same by hand; and the seconds that our backup takes."""
    ratios: dict[str, list[float]] = {}
    ours: list[float] = []
    for pair in range(runs):
        with _repository() as (here, catalogue), _repository() as (there, _):
            made: dict[str, Any] = {}
            ways: dict[str, Callable[[], object]] = {
                "ours": lambda: made.update(ours=_back_up(kind, here, catalogue)),  # noqa: B023
                "engine": lambda: made.update(engine=_by_hand(kind, there)),  # noqa: B023
                "raw": lambda: _raw(kind),
                "fingerprint": lambda: kind.store.source.fingerprint(kind.live),
            }
            took = {way: seconds(ways[way]) for way in (ways if pair % 2 == 0 else reversed(list(ways)))}
            _check_alike(kind, made["ours"], made["engine"])
            took |= _restored(kind, here, made["ours"], there, made["engine"], pair)
        tell(f"{kind.name}: " + ", ".join(f"{way} {time:.1f} s" for way, time in took.items()))
        ours.append(took["ours"])
        for name, over, under in (
            ("backup_over_engine", "ours", "engine"),
            ("backup_over_raw", "ours", "raw"),
            ("fingerprint_over_engine", "fingerprint", "engine"),
            ("restore_over_tool", "restore", "tool"),
        ):
            ratios.setdefault(name, []).append(took[over] / took[under])
    goals = {"backup_over_engine": GOAL, "restore_over_tool": GOAL}
    figures = [figure(f"{kind.name}_{name}", values, goal=goals.get(name)) for name, values in ratios.items()]
    return figures, statistics.median(ours)


def _back_up(kind: Kind, repository: Restic, catalogue: Catalogue) -> Manifest:
    night.prepare(repository, catalogue)
    return night.back_up(kind.store, repository, catalogue)


def _by_hand(kind: Kind, repository: Restic) -> Snapshot:
    asked = ("backup", "--json", f"--stdin-filename={kind.name}", "--stdin-from-command", "--", *kind.dump.argv)
    out = repository._restic(*asked, more=kind.dump.environment).out
    said = next(said for said in map(json.loads, out.splitlines()) if said.get("message_type") == "summary")
    return Snapshot(said["snapshot_id"], kind.name, said["total_bytes_processed"], said["data_added_packed"])


def _raw(kind: Kind) -> None:
    subprocess.run(
        kind.dump.argv, env=environment(kind.dump.environment), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip


def _restored(
    kind: Kind, here: Restic, manifest: Manifest, there: Restic, object_: Snapshot, pair: int
) -> dict[str, float]:
    """The seconds of both restores; the first of ours is compared with its fingerprint, outside of the time."""

    def ours() -> float:
        with kind.store.scratch() as target:
            took = seconds(lambda: kind.store.source.restore(manifest.dumped, here, target))
            if pair == 0:
                compare(kind.store, manifest, target)
            return took

    def tool() -> float:
        with kind.store.scratch() as target:
            return seconds(lambda: _restore_by_hand(kind, there, object_, target))

    ways = {"restore": ours, "tool": tool}
    return {way: ways[way]() for way in (ways if pair % 2 == 0 else reversed(list(ways)))}


def _restore_by_hand(kind: Kind, repository: Restic, object_: Snapshot, target: Any) -> None:
    load = kind.load(target)
    printed = repository._argv("dump", object_.id, f"/{object_.name}")
    ended = run_piped(printed, load.argv, producers=repository._environment(), consumers=environment(load.environment))
    if failed := [each.last_words for each in ended if each.status]:
        raise RuntimeError(f"{kind.name} by hand: {failed}")
    kind.finish(target)


def _check_alike(kind: Kind, manifest: Manifest, object_: Snapshot) -> None:
    """Raises:
    RuntimeError: one side fed the engine more than the other: the times compare different work.
    """
    if abs(manifest.bytes_in - object_.bytes_in) > ALIKE * object_.bytes_in:
        raise RuntimeError(f"{kind.name}: {manifest.bytes_in} bytes by us, {object_.bytes_in} by hand")
    tell(f"{kind.name}: {manifest.bytes_in / 1e6:,.0f} MB, of which {manifest.bytes_stored / 1e6:,.0f} MB stored")


def _growth(kind: Kind, scale: float) -> tuple[list[Figure], float]:
    """What a second night stores of a store that has grown by a hundredth, and of one in which a hundredth changed."""
    appended = _size(kind, scale) // 100
    with _repository() as (repository, catalogue):
        first = _back_up(kind, repository, catalogue)
        kind.append(appended)
        second = _back_up(kind, repository, catalogue)
        kind.scatter()
        third = _back_up(kind, repository, catalogue)
        chunks = _new_chunks(repository, third)
    grew = second.bytes_in - first.bytes_in
    tell(
        f"{kind.name}: {appended:,} bytes appended, dump grew by {grew:,}, stored {second.bytes_stored:,}; "
        f"scattered: new chunks {chunks:,}, stored {third.bytes_stored:,}"
    )
    over_chunks = figure(
        f"{kind.name}_second_night_scattered_stored_over_chunks", [third.bytes_stored / max(1, chunks)], goal=None
    )
    return [over_chunks], max(0.0, second.bytes_stored - CONSTANT[kind.name]) / appended


def _new_chunks(repository: Restic, manifest: Manifest) -> int:
    """The bytes of the chunks that were not there before, as restic notes them with each object."""
    listed = repository._listed(manifest.id)
    return sum(int(each["summary"]["data_added"]) for each in listed)


def _together(chosen: list[Kind], longest: Kind, runs: int) -> Figure:
    """All stores in one night over the longest of them alone."""
    ratios = []
    for _ in range(runs):
        with _repository() as (repository, catalogue):
            alone = seconds(lambda: _back_up(longest, repository, catalogue))
        with _repository() as (repository, catalogue):
            stores = [each.store for each in chosen]
            together = seconds(lambda: night.back_up_all(stores, repository, catalogue))  # noqa: B023
            if len(catalogue.read().manifests) != len(stores):
                raise RuntimeError("not every store was backed up")
        tell(f"all stores in {together:.1f} s, {longest.name} alone in {alone:.1f} s")
        ratios.append(together / alone)
    return figure("all_stores_over_longest", ratios, goal=TOGETHER_GOAL)


@contextmanager
def _repository() -> Iterator[tuple[Restic, Catalogue]]:
    """An empty repository and its catalogue, in a bucket that is gone afterwards."""
    root = object_store("root")
    bucket = f"bench-{secrets.token_hex(4)}"
    with root.client() as client:
        client.create_bucket(Bucket=bucket)
        made = replace(Restic(root), bucket=bucket)
        made.create()
        try:
            yield made, Catalogue(root, root, bucket=bucket)
        finally:
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for each in page.get("Contents", ()):
                    client.delete_object(Bucket=bucket, Key=each["Key"])
            client.delete_bucket(Bucket=bucket)


if __name__ == "__main__":
    typer.run(main)
