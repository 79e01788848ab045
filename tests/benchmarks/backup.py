"""The backups' figures: ``make bench-backup``, or one store's: ``python -m tests.benchmarks.backup --only etcd``.

Each store holds a gigabyte (etcd a tenth). Ours is what a night does: the repository is asked for, the store is dumped
and described, the manifest is signed. By hand it is the same tool with the same options, printing into restic. Every
measured backup fills a repository of its own; both restores read the same kind of object and fill a new scratch server.
Where a tool needs a file it has one on both sides: etcd's snapshot, at the dump and at the restore, and nothing else.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from typing import Annotated, Any

import typer

from enginedge.backup import night
from enginedge.backup.drills import compare
from enginedge.backup.repository import Restic
from enginedge.backup.shapes import Manifest, Snapshot
from enginedge.backup.tools import environment
from enginedge.shell import run_piped
from tests.benchmarks.filled import KINDS, Kind
from tests.benchmarks.growth import back_up, fresh_repository, second_nights
from tests.benchmarks.measure import Figure, figure, publish, seconds
from tests.benchmarks.stack import own_stack, tell

AREA = "backup"
STORES = "postgres,minio,mongodb,etcd"
NAMES = list(KINDS)
GIGABYTE = 10**9
ALIKE = 0.02  # the bytes that both sides feed the engine differ by no more: a tool's own headers
GOAL, TOGETHER_GOAL, GROWTH_GOAL = 1.05, 1.3, 1.1


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(NAMES)}; repeat it. Default: all.")] = None,
    runs: Annotated[int, typer.Option(help="How many pairs each figure has.")] = 3,
    scale: Annotated[float, typer.Option(help="The size of a store; 1 is a gigabyte, of etcd a tenth.")] = 1.0,
) -> None:
    """Measure, print, and write ``.bench/backup.json``, store by store."""
    if unknown := set(only or NAMES) - set(NAMES):
        raise typer.BadParameter(f"no store is called {', '.join(sorted(unknown))}", param_hint="--only")
    with own_stack(only=STORES):
        chosen = [make() for name, make in KINDS.items() if name in (only or NAMES)]
        alone: dict[str, float] = {}
        grown: list[float] = []
        for kind in chosen:
            tell(f"{kind.name}: filled in {seconds(lambda: kind.append(_size(kind, scale))):.0f} s")  # noqa: B023
            figures, alone[kind.name] = _measured(kind, runs)
            growth = second_nights(kind, _size(kind, scale) // 100)
            tell(f"{kind.name}: {growth}")
            grown.append(growth.over_appended)
            scattered = f"{kind.name}_second_night_scattered_stored_over_chunks"
            publish(AREA, [*figures, figure(scattered, [growth.over_chunks], goal=None)])
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
        with fresh_repository() as (here, catalogue), fresh_repository() as (there, _):
            made: dict[str, Any] = {}
            ways: dict[str, Callable[[], object]] = {
                "ours": lambda: made.update(ours=back_up(kind, here, catalogue)),  # noqa: B023
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


def _by_hand(kind: Kind, repository: Restic) -> Snapshot:
    asked = ("backup", "--json", f"--stdin-filename={kind.name}", "--stdin-from-command", "--", *kind.dump.argv)
    out = repository._restic(*asked, more=kind.dump.environment).out
    said = next(said for said in map(json.loads, out.splitlines()) if said.get("message_type") == "summary")
    return Snapshot(said["snapshot_id"], kind.name, said["total_bytes_processed"], said["data_added_packed"])


def _raw(kind: Kind) -> None:
    """The dump alone, read and thrown away: tar, whose output is /dev/null itself, would read no file."""
    thrown_away = ["dd", "of=/dev/null", "bs=1M", "status=none"]
    printed, _ = run_piped(kind.dump.argv, thrown_away, producers=environment(kind.dump.environment))
    if printed.status:
        raise RuntimeError(f"{kind.name} by hand: {printed.last_words}")


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


def _together(chosen: list[Kind], longest: Kind, runs: int) -> Figure:
    """All stores in one night over the longest of them alone."""
    ratios = []
    for _ in range(runs):
        with fresh_repository() as (repository, catalogue):
            alone = seconds(lambda: back_up(longest, repository, catalogue))
        with fresh_repository() as (repository, catalogue):
            stores = [each.store for each in chosen]
            together = seconds(lambda: night.back_up_all(stores, repository, catalogue))  # noqa: B023
            if len(catalogue.read().manifests) != len(stores):
                raise RuntimeError("not every store was backed up")
        tell(f"all stores in {together:.1f} s, {longest.name} alone in {alone:.1f} s")
        ratios.append(together / alone)
    return figure("all_stores_over_longest", ratios, goal=TOGETHER_GOAL)


if __name__ == "__main__":
    typer.run(main)
