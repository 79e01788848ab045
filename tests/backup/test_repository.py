"""The repository on restic: the suite on the real bucket, who may delete there, and damage of every kind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from enginedge.backup.catalogue import Found, catalogue
from enginedge.backup.night import prepare
from enginedge.backup.repository import BUCKET, PASSWORD, Restic, repository
from enginedge.backup.shapes import Command
from enginedge.errors import Misconfigured, Violated
from enginedge.private_files import write_private
from enginedge.settings import Settings, settings
from tests.backup.in_folder import InFolder, files_of, flip, repository_in
from tests.backup.locked import locked_bucket
from tests.contracts.repository_suite import RepositorySuite, loaded, saved

CANARY = "a canary that sings in the clear"


@pytest.mark.stores
class TestRestic(RepositorySuite):
    @pytest.fixture(scope="class")
    @classmethod
    def repository(cls, running_stores: None) -> Iterator[Restic]:  # noqa: ARG003 - wanted for what it does
        prepare(repository(), catalogue())
        found = repository()
        before = set(found.ids())
        yield found
        if made := set(found.ids()) - before:
            found.forget(made)

    def save_foreign(self, repository: Any, path: Path) -> str:
        out = repository._restic("backup", "--json", "--tag=somebody-elses", str(path)).out
        return str(next(json.loads(line) for line in out.splitlines() if "snapshot_id" in line)["snapshot_id"])


def client(user: str) -> Any:
    login = {"aws_access_key_id": user, "aws_secret_access_key": settings().secret(f"minio-{user}")}
    return boto3.client("s3", endpoint_url=settings().endpoint("minio").url, region_name="us-east-1", **login)


def packs() -> set[str]:
    """The keys of what is in sight of the repository's packs."""
    pages = client("backup").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="restic/data/")
    return {each["Key"] for page in pages for each in page.get("Contents", ())}


def refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "InvalidRequest", "ObjectLocked")
    return False


@pytest.mark.stores
@pytest.mark.usefixtures("running_stores")
class TestTheBucket:
    @pytest.fixture(autouse=True)
    def leave_no_lock(self) -> Iterator[None]:
        yield
        client("backup").delete_object(Bucket=BUCKET, Key="restic/locks/suite")

    @pytest.mark.parametrize("key", ["suite/one", "restic/locks/suite"])
    @pytest.mark.parametrize("user", ["backup", "backup-pruner", "root"])
    def test_nobody_deletes_a_version(self, user: str, key: str) -> None:
        version = client("backup").put_object(Bucket=BUCKET, Key=key, Body=b"kept")["VersionId"]
        assert refused(lambda: client(user).delete_object(Bucket=BUCKET, Key=key, VersionId=version))
        assert client("backup").get_object(Bucket=BUCKET, Key=key, VersionId=version)["Body"].read() == b"kept"

    def test_who_backs_up_takes_nothing_out_of_sight_but_its_own_locks(self) -> None:
        store = client("backup")
        keys = {"suite/one": True, "restic/locks/suite": False}
        for key, is_refused in keys.items():
            store.put_object(Bucket=BUCKET, Key=key, Body=b"x")
            assert refused(lambda key=key: store.delete_object(Bucket=BUCKET, Key=key)) is is_refused

    def test_a_lock_is_made_longer_and_never_shorter(self) -> None:
        store = client("backup")
        version = store.put_object(Bucket=BUCKET, Key="suite/one", Body=b"x")["VersionId"]
        this = {"Bucket": BUCKET, "Key": "suite/one", "VersionId": version}
        until = store.get_object_retention(**this)["Retention"]["RetainUntilDate"]
        for days, is_refused in ((30, False), (-10, True)):
            later = {"Mode": "COMPLIANCE", "RetainUntilDate": until + timedelta(days=days)}
            assert refused(lambda r=later: store.put_object_retention(**this, Retention=r)) is is_refused

    def test_what_two_backups_share_is_locked_for_the_newer_one_and_outlives_the_older(self, tmp_path: Path) -> None:
        prepare(repository(), catalogue())
        (tmp_path / "random").write_bytes(os.urandom(2_000_000))
        alone = packs()
        older = saved(repository(), tmp_path / "random")
        shared = packs() - alone
        newer = saved(repository(), tmp_path / "random")
        assert newer.bytes_stored < 20_000, "it uses what the older one has stored"
        catalogue().keep_locked(days=70)
        wanted = datetime.now(UTC) + timedelta(days=69)
        store = client("backup")
        for key in shared:
            locked = store.get_object_retention(Bucket=BUCKET, Key=key)["Retention"]
            assert (locked["Mode"], locked["RetainUntilDate"] > wanted) == ("COMPLIANCE", True), key
        repository().forget({older.id})
        assert loaded(repository(), newer, tmp_path / "copy") == (tmp_path / "random").read_bytes()
        repository().forget({newer.id})
        assert shared.isdisjoint(packs()), "with the newer one it goes"

    def test_versioning_is_not_switched_off(self) -> None:
        for user in ("backup", "backup-pruner"):
            off = {"Status": "Suspended"}
            assert refused(lambda: client(user).put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=off))  # noqa: B023

    def test_nothing_that_was_backed_up_stands_there_in_the_clear(self, tmp_path: Path) -> None:
        prepare(repository(), catalogue())
        (tmp_path / "secret").write_text(CANARY * 50)
        saved(repository(), tmp_path / "secret")
        store = client("backup")
        pages = store.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        bodies = [
            store.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
            for page in pages
            for each in page["Contents"]
        ]
        assert len(bodies) > 3
        assert not [body for body in bodies if CANARY.encode() in body]

    def test_a_wrong_password_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        prepare(repository(), catalogue())
        shutil.copytree(settings().secrets, tmp_path / "secrets")
        write_private(tmp_path / "secrets" / PASSWORD, "another")
        wrong = Settings(settings().root, settings().state, tmp_path / "secrets")
        monkeypatch.setattr("enginedge.backup.repository.settings", lambda: wrong)
        with pytest.raises(Misconfigured, match="password is wrong"):
            repository().ids()

    def test_the_lock_of_a_killed_backup_holds_nobody_up(self) -> None:
        prepare(repository(), catalogue())
        found = repository()
        argv = found._argv("backup", "--stdin-from-command", "--", "sleep", "60")
        held = subprocess.Popen(argv, env=found._environment(), stdout=subprocess.DEVNULL, start_new_session=True)
        while not found._restic("list", "locks", "--no-lock").out.strip():
            time.sleep(0.1)
        held.send_signal(signal.SIGKILL)
        held.wait()
        found.check(1, 100)


def test_a_repository_that_was_deleted_with_every_manifest_is_not_made_anew_in_silence(tmp_path: Path) -> None:
    with locked_bucket(tmp_path) as (adder, pruner):
        place, nothing = Restic(adder), SimpleNamespace(read=lambda: Found((), (), ()))
        prepare(place, nothing)  # type: ignore[arg-type]
        prepare(place, nothing)  # type: ignore[arg-type]
        with pruner.client() as client:
            for each in client.list_objects_v2(Bucket=BUCKET)["Contents"]:
                client.delete_object(Bucket=BUCKET, Key=each["Key"])
        with pytest.raises(Violated, match=r"the repository is gone, and all backups with it.*bring back"):
            prepare(place, nothing)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InFolder]:
    """A small repository in a folder."""
    with repository_in(tmp_path_factory.mktemp("repository")) as found:
        found.save_output("thing", Command(("head", "-c", "300000", "/dev/urandom")))
        yield found


@pytest.mark.parametrize("kind", ["data", "index", "snapshots", "keys", "config"])
def test_a_flipped_bit_in_a_file_of_any_kind_is_found_and_the_file_named(
    whole: InFolder, tmp_path: Path, kind: str
) -> None:
    chance = Random()  # another place each time; `make soak` turns bits all over
    spoilt = replace(whole, folder=tmp_path / "spoilt")
    shutil.copytree(whole.folder, spoilt.folder)
    path = chance.choice(files_of(spoilt.folder, kind))
    flip(path, chance.randrange(path.stat().st_size), chance)
    with pytest.raises((Violated, Misconfigured)) as found:
        spoilt.check()
    assert path.name[:8] in str(found.value)


def test_the_lock_of_one_who_was_killed_while_he_had_it_alone_holds_nobody_up(
    whole: InFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enginedge.backup.repository.PATIENCE", "2s")
    found = replace(whole, folder=tmp_path / "copy")
    shutil.copytree(whole.folder, found.folder)
    slowly = found._argv("check", "--read-data", "--limit-download=1")
    held = subprocess.Popen(slowly, env=found._environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not files_of(found.folder / "locks", ""):
        assert held.poll() is None
        time.sleep(0.05)
    held.kill()
    held.wait()
    saved = found.save_output("more", Command(("echo", "more")))
    assert saved.id in found.ids()


def test_an_undamaged_copy_passes(whole: InFolder, tmp_path: Path) -> None:
    copy = replace(whole, folder=tmp_path / "copy")
    shutil.copytree(whole.folder, copy.folder)
    copy.check()
