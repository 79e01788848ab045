"""Generated secrets, and the files that hold them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from deploy.local.credentials import SECRETS, generate_missing
from enginedge.private_files import write_private


def test_every_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert generate_missing(folder) == list(SECRETS)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert generate_missing(folder) == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_no_two_installations_share_a_secret(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        generate_missing(folder)
    for name in SECRETS:
        assert (first / name).read_text() != (second / name).read_text()


def test_a_secret_that_a_kill_left_empty_is_made_again(tmp_path: Path) -> None:
    generate_missing(tmp_path)
    (tmp_path / "redis").write_text("")
    assert generate_missing(tmp_path) == ["redis"]


def test_airflows_three_users_have_passwords_of_their_own(tmp_path: Path) -> None:
    generate_missing(tmp_path)
    passwords = json.loads((tmp_path / "airflow-passwords.json").read_text())
    assert set(passwords) == {"admin", "operator", "analyst"}
    assert len(set(passwords.values())) == 3


def test_a_private_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_private(path, "one")
    write_private(path, "two")
    assert path.read_text() == "two"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_private_file_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("same")
    path.chmod(0o644)
    write_private(path, "same")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
