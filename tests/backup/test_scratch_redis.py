"""Redis takes what was restored of it, or the drill says that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from enginedge.backup.drills import drill
from enginedge.backup.scratch.folder import scratch_volume
from enginedge.backup.scratch.redis import scratch_redis
from enginedge.backup.shapes import Manifest
from enginedge.backup.smoke import ask_redis
from enginedge.backup.sources.volumes import Volume
from enginedge.backup.stores import Store, declared_stores
from enginedge.errors import Violated
from tests.backup.in_folder import InFolder, repository_in


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """What a Redis leaves behind that was killed."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with scratch_redis(folder) as client:
        client.mset({f"key {number}": number for number in range(100)})
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[InFolder]:
    with repository_in(tmp_path) as made:
        yield made


def test_a_drill_starts_redis_on_the_copy(filled: Path, repository: InFolder) -> None:
    (declared,) = declared_stores(["redis"])
    store = replace(declared, source=Volume(filled))
    manifest = Manifest("one", "redis", store.source.dump(repository), 1.0)
    report = drill(store, manifest, repository)
    assert report.parts > 1
    assert report.told == {"asked": ["it starts, and holds 100 keys"]}
    with scratch_redis(filled) as client:
        assert client.dbsize() == 100


@pytest.mark.parametrize(
    ("lost", "told"), [("*.base.rdb", "the scratch server did not start"), ("*.manifest", "it would start empty")]
)
def test_a_copy_that_is_equal_to_what_was_dumped_and_cannot_be_started_is_no_proof(
    filled: Path, repository: InFolder, lost: str, told: str
) -> None:
    """As when Redis had written new files while the folder was copied."""
    next(filled.glob(f"appendonlydir/{lost}")).unlink()
    source = Volume(filled)
    manifest = Manifest("one", "redis", source.dump(repository), 1.0)
    store = Store("redis", source, scratch_volume, lambda _: filled)
    assert drill(store, manifest, repository).parts > 0, "the files are equal"
    with pytest.raises(Violated, match=f"does not work: .*{told}"):
        drill(replace(store, smoke=ask_redis), manifest, repository)
