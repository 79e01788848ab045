"""A folder is filled beside its place: it is there whole or not at all, and no half of it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from enginedge.backup import folders
from enginedge.backup.parts.shapes import Part
from enginedge.backup.parts.volumes import VolumeParts
from enginedge.errors import Misconfigured


def _half(part: Path) -> None:
    part.mkdir()
    (part / "half").write_text("on a full disk")
    raise OSError("the disk is full")


def test_what_could_not_be_filled_takes_no_room(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), folders.filled(tmp_path / "one") as part:
        _half(part)
    assert list(tmp_path.iterdir()) == []


def _whole_but_late(part: Path) -> None:
    part.mkdir()
    (part.parent / "one").mkdir()
    (part.parent / "one" / "theirs").touch()


def test_what_was_filled_while_somebody_took_its_place_is_kept(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"rename .*\.one\.restoring to it"), folders.filled(tmp_path / "one") as to:
        _whole_but_late(to)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".one.restoring", "one"]


@pytest.mark.parametrize("what", ["link/file", "link/deep/file", "inside/../link/file"])
def test_no_part_is_put_where_somebodys_link_leads(tmp_path: Path, what: str) -> None:
    """Whoever writes into the volume may lay one, in the place of a folder that the backup has."""
    volume, elsewhere = tmp_path / "volume", tmp_path / "elsewhere"
    volume.mkdir()
    elsewhere.mkdir()
    (volume / "link").symlink_to(elsewhere)
    (volume / "inside").symlink_to(".")
    with pytest.raises(Misconfigured, match="a link leads out of it"):
        VolumeParts().present(Part(what, what), volume)
    assert VolumeParts().present(Part("link", "link"), volume) == [str(volume / "link")]
    assert VolumeParts().present(Part("inside/file", "inside/file"), volume) == []
