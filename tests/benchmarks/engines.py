"""restic against kopia: ``make bench-engines``, or ``python -m tests.benchmarks.engines --megabytes 1000``.

Both save the same file to the same kind of bucket, on one MinIO, by the same protocol: first, then with a hundredth
appended, then with a hundredth overwritten in sixteen places; and load the last of it. kopia cuts and compresses as
restic does. The two take turns at each step, and a pair begins with two empty repositories. Beside the wall's seconds
stand those of the processor, which say the same on a machine that others use: the engine's and its children's, without
the object store's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from enginedge.backup.repository import FOLDER, Restic
from enginedge.backup.shapes import Command, Repository, Snapshot
from tests.backup.kopia import PREFIX, kopia_in
from tests.backup.locked import locked_bucket, stored
from tests.benchmarks.measure import Figure, figure, publish, seconds
from tests.benchmarks.stack import tell

AREA = "engines"
SEED, MEGABYTE, PLACES = 7, 10**6, 16
CHANGED = 100  # one byte in so many is changed
READ = Command(("dd", "of=/dev/null", "bs=1M", "status=none"))
Measured = dict[tuple[str, str, str], list[float]]  # step, what, engine


def main(
    runs: Annotated[int, typer.Option(help="How many pairs each figure has.")] = 3,
    megabytes: Annotated[int, typer.Option(help="How much is saved.")] = 256,
) -> None:
    """Measure, print, and write ``.bench/engines.json``."""
    measured: Measured = {}
    for pair in range(runs):
        with TemporaryDirectory() as folder, _engines(Path(folder)) as engines:
            _pair(engines, Path(folder) / "content", megabytes * MEGABYTE, pair, measured)
    publish(AREA, list(_figures(measured)))


@contextmanager
def _engines(folder: Path) -> Iterator[dict[str, Engine]]:
    with locked_bucket(folder) as (adder, pruner):
        restic, kopia = Restic(adder), kopia_in(folder, adder, pruner)
        restic.create()
        yield {
            "restic": Engine(restic, lambda: stored(adder, prefix=f"{FOLDER}/")),
            "kopia": Engine(kopia, lambda: stored(adder, prefix=PREFIX)),
        }


class Engine:
    """A repository, how many bytes it keeps, and what it saved last."""

    def __init__(self, repository: Repository, stored: Callable[[], int]) -> None:
        self.repository, self.stored = repository, stored
        self.saved: Snapshot

    def save(self, path: Path) -> None:
        self.saved = self.repository.save_output("content", Command(("cat", str(path))))

    def load(self) -> None:
        self.repository.load_into(self.saved, READ)


def _pair(engines: dict[str, Engine], path: Path, size: int, pair: int, measured: Measured) -> None:
    chance = Random(SEED + pair)
    prepared: dict[str, Callable[[], object]] = {
        "first_save": lambda: path.write_bytes(_content(chance, size)),
        "appended": lambda: _append(path, _content(chance, size // CHANGED)),
        "scattered": lambda: _scatter(path, chance, size // CHANGED),
        "load": lambda: None,
    }
    for number, (step, prepare) in enumerate(prepared.items()):
        prepare()
        for name in sorted(engines, reverse=(pair + number) % 2 == 0):
            engine = engines[name]
            before, processor = engine.stored(), _processor_s()
            took = {"seconds": seconds(engine.load if step == "load" else lambda: engine.save(path))}  # noqa: B023
            took["processor_seconds"] = _processor_s() - processor
            if step != "load":
                took["megabytes"] = (engine.stored() - before) / MEGABYTE
            tell(f"{step} by {name}: " + ", ".join(f"{value:.1f} {what}" for what, value in took.items()))
            for what, value in took.items():
                measured.setdefault((step, what, name), []).append(value)


def _figures(measured: Measured) -> Iterator[Figure]:
    for (step, what, name), values in measured.items():
        yield figure(f"{step}_{what}_{name}", values, goal=None, unit=what)
    for step, what in dict.fromkeys((step, what) for step, what, _ in measured):
        pairs = zip(measured[step, what, "restic"], measured[step, what, "kopia"], strict=True)
        yield figure(f"{step}_{what}_restic_over_kopia", [restic / kopia for restic, kopia in pairs], goal=None)


def _processor_s() -> float:
    """What the programs that have ended took of the processor."""
    spent = os.times()
    return spent.children_user + spent.children_system


def _content(chance: Random, size: int) -> bytes:
    """Bytes that compress to half of their number, as a dump's do at least, and of which none comes twice."""
    return chance.randbytes(size // 2).hex().encode()


def _append(path: Path, more: bytes) -> None:
    with path.open("ab") as file:
        file.write(more)


def _scatter(path: Path, chance: Random, changed: int) -> None:
    with path.open("r+b") as file:
        for _ in range(PLACES):
            file.seek(chance.randrange(path.stat().st_size - changed))
            file.write(_content(chance, changed // PLACES))


if __name__ == "__main__":
    typer.run(main)
