"""The contract suite on kopia, which restic is measured against: `make bench-engines` has the figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enginedge.backup.repository import BUCKET
from enginedge.backup.shapes import Command, Repository
from enginedge.errors import Violated
from enginedge.shell import run_piped
from tests.backup.kopia import PREFIX, Kopia, kopia_in
from tests.backup.locked import locked_bucket
from tests.contracts.repository_suite import RepositorySuite


class TestKopia(RepositorySuite):
    @pytest.fixture(scope="class")
    @classmethod
    def repository(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kopia]:
        folder = tmp_path_factory.mktemp("kopia")
        with locked_bucket(folder) as (adder, pruner):
            yield kopia_in(folder, adder, pruner)

    def save_foreign(self, repository: Any, path: Path) -> str:
        return str(json.loads(repository._kopia("snapshot", "create", "--json", str(path)).out)["id"])

    @pytest.mark.xfail(
        raises=AssertionError,
        strict=True,
        reason="it keeps them for a day, since no lock tells it that nobody is writing",
    )
    def test_what_nobody_uses_any_more_is_given_up(self, repository: Repository, random: Path) -> None:
        super().test_what_nobody_uses_any_more_is_given_up(repository, random)

    @pytest.mark.xfail(
        raises=AssertionError,
        strict=True,
        reason="it takes the end of a stream for success: the suite passes by a pipe of ours",
    )
    def test_kopia_itself_keeps_nothing_of_a_command_that_fails(self, repository: Kopia) -> None:
        torn = repository.marked("suite", "torn")
        failing = ("sh", "-c", "head -c 3000 /dev/urandom; exit 3")
        run_piped(failing, torn.saving("torn"), consumers=torn.environment())
        assert not torn.ids("torn")


@pytest.mark.xfail(
    raises=pytest.fail.Exception,
    strict=True,
    reason="it checks what it has in its own cache, and reads the bucket only where that is deleted before",
)
def test_damage_since_the_last_check_is_found(tmp_path: Path) -> None:
    with locked_bucket(tmp_path) as (adder, pruner):
        repository = kopia_in(tmp_path, adder, pruner)
        repository.save_output("thing", Command(("head", "-c", "300000", "/dev/urandom")))
        repository.check()
        with adder.client() as client:
            listed = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}p")["Contents"]
            largest = max(listed, key=lambda each: each["Size"])["Key"]
            content = bytearray(client.get_object(Bucket=BUCKET, Key=largest)["Body"].read())
            content[len(content) // 2] ^= 1
            client.put_object(Bucket=BUCKET, Key=largest, Body=bytes(content))
        with pytest.raises(Violated):
            repository.check()
