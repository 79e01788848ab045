"""What every repository promises, whichever engine keeps the bytes. Inherit it, and give ``repository``."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import pytest

from enginedge.backup.shapes import Command, Repository, Snapshot
from enginedge.errors import EnginEdgeError, Misconfigured


def saved(repository: Repository, path: Path) -> Snapshot:
    return repository.save_output("thing", Command(("cat", str(path))))


def loaded(repository: Repository, snapshot: Snapshot, path: Path) -> bytes:
    repository.load_into(snapshot, Command(("dd", f"of={path}", "status=none")))
    return path.read_bytes()


class RepositorySuite:
    """Objects in, objects out, and nothing half-done or foreign in between."""

    @pytest.fixture(scope="class")
    @classmethod
    def repository(cls) -> Repository:
        raise NotImplementedError

    def save_foreign(self, repository: Any, path: Path) -> str:
        """Put something into the repository that does not carry our mark, and return its id."""
        raise NotImplementedError

    @pytest.fixture
    def random(self, tmp_path: Path) -> Path:
        path = tmp_path / "random"
        path.write_bytes(os.urandom(3_000_000))
        return path

    def test_what_is_loaded_is_what_was_saved(self, repository: Repository, random: Path, tmp_path: Path) -> None:
        snapshot = saved(repository, random)
        assert snapshot.bytes_in == 3_000_000
        assert loaded(repository, snapshot, tmp_path / "copy") == random.read_bytes()

    def test_the_same_bytes_are_stored_once(self, repository: Repository, random: Path) -> None:
        first, second = saved(repository, random), saved(repository, random)
        assert first.bytes_stored > 3_000_000
        assert second.bytes_stored < 20_000

    @pytest.mark.parametrize(("after", "end"), [(0, "exec /no/such/program"), (1, "kill -9 $$"), (2_500_000, "exit 3")])
    def test_a_command_that_fails_at_any_byte_leaves_no_object(
        self, repository: Repository, end: str, after: int
    ) -> None:
        marked = repository.marked("suite", secrets.token_hex(8))
        with pytest.raises(EnginEdgeError):
            marked.save_output("torn", Command(("sh", "-c", f"head -c {after} /dev/urandom; {end}")))
        assert not repository.ids(marked.marks[-1].partition("=")[2])  # type: ignore[attr-defined]

    def test_a_reader_that_fails_is_told(self, repository: Repository, random: Path) -> None:
        with pytest.raises(EnginEdgeError, match="cannot go on"):
            repository.load_into(saved(repository, random), Command(("sh", "-c", "echo cannot go on >&2; exit 1")))

    def test_what_a_command_complains_of_is_heard_to_its_last_word(self, repository: Repository) -> None:
        talking = "head -c 3000000 /dev/urandom; for n in 1 2 3 4; do echo odd thing $n >&2; done"
        for _ in range(5):  # an engine that stops listening too early does so now and then
            said: list[str] = []
            repository.save_output("thing", Command(("sh", "-c", talking)), said.append)
            assert said == [f"odd thing {n}" for n in (1, 2, 3, 4)]

    def test_a_command_that_fails_is_quoted(self, repository: Repository) -> None:
        with pytest.raises(EnginEdgeError, match="the reason why"):
            repository.save_output("thing", Command(("sh", "-c", "echo content; echo the reason why >&2; exit 3")))

    def test_an_objects_backup_is_known(self, repository: Repository, random: Path) -> None:
        backup = secrets.token_hex(8)
        snapshot = saved(repository.marked("suite", backup), random)
        assert set(repository.ids(backup)) == {snapshot.id}
        assert snapshot.id in repository.ids()

    def test_what_is_forgotten_is_gone_and_what_is_not_is_whole(
        self, repository: Repository, random: Path, tmp_path: Path
    ) -> None:
        kept, gone = saved(repository, random), saved(repository, random)
        repository.forget([gone.id])
        assert gone.id not in repository.ids()
        assert loaded(repository, kept, tmp_path / "copy") == random.read_bytes()

    def test_what_nobody_uses_any_more_is_given_up(self, repository: Repository, random: Path) -> None:
        repository.forget([saved(repository, random).id])
        assert saved(repository, random).bytes_stored > 3_000_000

    def test_what_is_not_ours_is_neither_listed_nor_forgotten(self, repository: Any, random: Path) -> None:
        foreign = self.save_foreign(repository, random)
        assert foreign not in repository.ids()
        with pytest.raises(Misconfigured, match="does not carry our mark"):
            repository.forget([foreign, *list(repository.ids())[:1]])

    def test_a_whole_repository_passes_its_check(self, repository: Repository, random: Path) -> None:
        saved(repository, random)
        repository.check()
