"""Damage all over the repository, and dumps that are killed anywhere: the full counts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from enginedge.backup.shapes import Command
from enginedge.errors import EnginEdgeError, Misconfigured, Violated
from tests.backup.away import refuse_what_an_absence_spoils, repository_on_its_own
from tests.backup.in_folder import InFolder, files_of, flip, repository_in

FLIPS, KILLS, SEED = 200, 20, 5
AWAY_S = 60.0
MIB = 2**20


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InFolder]:
    """A repository with several objects, some of which share their bytes."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "random").write_bytes(Random(SEED).randbytes(2 * MIB))
    with repository_in(folder) as found:
        for end in (MIB, 2 * MIB):
            found.save_output("thing", Command(("head", "-c", str(end), str(folder / "random"))))
        yield found


def test_a_flipped_bit_is_found_wherever_it_is_and_its_file_named(
    whole: InFolder, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The places are uniform over all bytes of all files."""
    chance = Random(SEED)
    missed = [place for place in (_flipped(whole, tmp_path, chance) for _ in range(FLIPS)) if place]
    record_property("seed", SEED)
    record_property("flips", FLIPS)
    assert missed == []


def test_a_dump_that_is_killed_at_any_byte_leaves_no_object(
    whole: InFolder, record_property: Callable[[str, object], None]
) -> None:
    chance, before = Random(SEED), set(whole.ids())
    for at in (chance.randrange(8 * MIB) for _ in range(KILLS)):
        with pytest.raises(EnginEdgeError):
            whole.save_output("torn", Command(("sh", "-c", f"head -c {at} /dev/urandom; kill -9 $$")))
        assert set(whole.ids()) == before, f"killed at {at}"
    whole.check()
    record_property("seed", SEED)
    record_property("kills", KILLS)


def test_a_place_that_is_away_for_a_minute_costs_time_and_nothing_else(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with repository_on_its_own(tmp_path) as place:
        refuse_what_an_absence_spoils(place, tmp_path, AWAY_S)
    record_property("away_s", AWAY_S)


def _flipped(whole: InFolder, folder: Path, chance: Random) -> str:
    """Turn one bit of a copy; returns where, if the check does not find and name it."""
    spoilt = replace(whole, folder=folder / "spoilt")
    shutil.copytree(whole.folder, spoilt.folder)
    files = files_of(spoilt.folder)
    (path,) = chance.choices(files, weights=[each.stat().st_size for each in files])
    position = chance.randrange(path.stat().st_size)
    flip(path, position, chance)
    try:
        spoilt.check()
    except (Violated, Misconfigured) as found:
        return "" if path.name[:8] in str(found) else f"{path.name} at {position} is not named: {found}"
    finally:
        shutil.rmtree(spoilt.folder)
    return f"{path.name} at {position}"
