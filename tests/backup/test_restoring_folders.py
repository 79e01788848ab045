"""Folders that are restored into: each by its one name, none that a service runs on, and told before it is begun."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from enginedge.backup import operations, restoring
from enginedge.backup.foretelling import Request
from enginedge.errors import Misconfigured
from enginedge.settings import settings
from tests.backup.places import NAME, Place, asked, each_place

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("running_stores")]


@pytest.mark.parametrize("way", ["data/../data/etcd", "data/etcd/", "link"])
def test_a_running_service_keeps_its_folder_whatever_way_leads_to_it(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations.back_up_store("etcd")
    (tmp_path / "link").symlink_to(settings().state / "data" / "etcd")
    monkeypatch.chdir(tmp_path if way == "link" else settings().state)
    with pytest.raises(Misconfigured, match="running on the folder"):
        restoring.restore(Request("etcd", replace="etcd", folder=Path(way)))


@pytest.mark.parametrize("way", ["/", ".", "data", "data/kafka", "data/kafka/new", "data/etcd/member"])
def test_no_folder_is_restored_into_that_another_service_runs_on(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    operations.back_up_store("etcd")
    monkeypatch.chdir(settings().state)
    with pytest.raises(Misconfigured, match="keeps its data in"):
        restoring.restore(Request("etcd", replace="etcd", folder=Path(way)))


@each_place("folder")
def test_a_folder_that_cannot_be_made_or_is_a_file_is_told_before_anything_is_restored(
    place: Place, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match=r"/proc/nowhere: nothing can be put there \("):
        restoring.restore(asked(folder=Path("/proc/nowhere")))
    (tmp_path / "file").write_text("of somebody")
    with pytest.raises(Misconfigured, match="it is not empty: it has file"):
        restoring.restore(asked(folder=tmp_path / "file"))
    restoring.restore(asked(folder=tmp_path / "file", replace=NAME))
    assert (tmp_path / "file" / "early").is_file()
    with pytest.raises(Misconfigured, match="it cannot be set aside"):
        restoring.restore(asked(folder=Path("/proc"), replace=NAME))


@each_place("folder")
def test_nothing_is_set_aside_before_the_way_back_is_written_down(place: Place) -> None:
    """As on a full disk, where a rename goes well and a note does not."""
    notes = settings().state / "run" / "restore"
    shutil.rmtree(notes, ignore_errors=True)
    notes.touch()
    try:
        with pytest.raises(FileExistsError):
            restoring.restore(asked(replace=NAME))
    finally:
        notes.unlink()
    assert place.read() == ["early", "late"]
