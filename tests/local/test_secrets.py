"""Generated secrets, and the files that hold them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from deploy.local import stack
from deploy.local.credentials import MADE_WITH, SECRETS, generate_missing, refuse_lost
from deploy.local.layout import Local
from enginedge.errors import Misconfigured
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


@pytest.mark.parametrize("name", MADE_WITH)
def test_a_lost_secret_whose_data_is_still_there_is_named_with_the_data_and_the_remedy(
    tmp_path: Path, name: str
) -> None:
    folder, data = tmp_path / "secrets", tmp_path / "data"
    generate_missing(folder)
    made = data / MADE_WITH[name]
    made.mkdir(parents=True)
    refuse_lost(folder, data)
    (folder / name).unlink()
    with pytest.raises(Misconfigured) as caught:
        refuse_lost(folder, data)
    for word in (str(folder / name), str(made), "recovery sheet", "set that folder aside"):
        assert word in str(caught.value)


def test_a_lost_secret_of_a_store_that_has_nothing_yet_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    refuse_lost(tmp_path / "secrets", tmp_path / "data")


def test_a_stack_that_lost_a_secret_does_not_come_up_and_makes_no_other_one(
    installation: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "Supervisor", lambda _: pytest.fail("it came up"))
    lost = installation.settings.secret_path("etcd-root")
    lost.unlink()
    (installation.data("etcd") / "member").mkdir()
    with pytest.raises(Misconfigured, match=f"{lost} is gone"):
        stack.up()
    assert not lost.exists()


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
