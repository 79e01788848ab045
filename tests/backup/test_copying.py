"""The second copy: one backup in two places, whole or not there, with rights and proofs that are each place's own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from enginedge.backup import copying, keeping, operations
from enginedge.backup.catalogue import Found, catalogue
from enginedge.backup.locations import Location
from enginedge.backup.repository import BUCKET, repository
from enginedge.backup.retention import Keep
from enginedge.backup.shapes import Command, Dumped, Fingerprint, Manifest, Snapshot
from enginedge.errors import Violated
from enginedge.settings import settings
from tests.backup.in_folder import InFolder, files_of, flip, repository_in
from tests.backup.quick_key import quicken
from tests.backup.test_commands import told
from tests.contracts.repository_suite import loaded
from tests.installation import enginedge
from tests.watched import secrets_in, watched

OFFSITE = Location.OFFSITE
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MIB = 2**20


def client(user: str, service: str, password: str) -> Any:
    login = {"aws_access_key_id": user, "aws_secret_access_key": settings().secret(password)}
    return boto3.client("s3", endpoint_url=settings().endpoint(service).url, region_name="us-east-1", **login)


def keys(store: Any, prefix: str) -> set[str]:
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return {each["Key"] for page in pages for each in page.get("Contents", ())}


@pytest.fixture
def taken(running_stores: None) -> dict[str, Any]:
    """A backup of etcd, which is in both places; one a test, since some give up all but the newest."""
    (row,) = told("now", "--store", "etcd")
    with watched() as shown:
        assert row["id"] in {each["id"] for each in told("copy", "--store", "etcd")}
    quicken(repository(OFFSITE))
    assert [each for each in shown if " copy " in each], "the engine was seen at work"
    assert secrets_in(shown) == []
    return dict(row)


@pytest.mark.stores
@pytest.mark.usefixtures("running_stores")
class TestTheCopy:
    def test_one_backup_is_one_in_both_places_and_proved_in_each_by_itself(self, taken: dict[str, Any]) -> None:
        here, there = catalogue().read("etcd"), catalogue(OFFSITE).read("etcd")
        one, other = here.manifest(taken["id"]), there.manifest(taken["id"])
        assert one.dumped.fingerprint == other.dumped.fingerprint
        assert {each.id for each in one.dumped.objects}.isdisjoint(each.id for each in other.dumped.objects)
        (report,) = told("drill", "--store", "etcd", "--backup", taken["id"], "--from", "offsite")
        assert report["manifest"] == taken["id"]
        proved = {where: _listed(taken["id"], where)["verified_at"] for where in Location}
        assert proved == {Location.PRIMARY: None, OFFSITE: proved[OFFSITE]}
        assert proved[OFFSITE]

    def test_what_is_there_is_not_copied_again(self, taken: dict[str, Any]) -> None:
        store = client("backup-copy", "offsite", "offsite-backup-copy")
        before = keys(store, "")
        assert told("copy", "--store", "etcd") == []
        assert {each for each in keys(store, "") - before if "/locks/" not in each} == set()
        assert taken["id"] in {each["id"] for each in told("list", "--from", "offsite")}

    @pytest.mark.usefixtures("taken")
    def test_a_copy_that_broke_off_before_its_manifest_is_none_and_the_next_one_ends_it(self) -> None:
        manifest = operations.back_up_store("etcd")["id"]
        (object_,) = catalogue().read("etcd").manifest(manifest).dumped.objects
        arrived = repository(OFFSITE).copy(repository(), [object_.id])
        assert manifest not in {each["id"] for each in told("list", "--from", "offsite")}
        assert manifest in {each["id"] for each in told("copy", "--store", "etcd")}
        (again,) = catalogue(OFFSITE).read("etcd").manifest(manifest).dumped.objects
        assert again.id == arrived[object_.id], "it was not copied a second time"

    @pytest.mark.usefixtures("taken")
    def test_a_store_whose_newest_backup_is_not_there_is_named(self) -> None:
        told("copy")
        assert operations.account_copies()
        newest = operations.back_up_store("etcd")["id"]
        with pytest.raises(Violated, match=rf"not off-site of etcd \({newest}\)"):
            operations.account_copies()
        told("copy", "--store", "etcd")

    def test_a_manifest_of_one_place_is_none_in_the_other(self, taken: dict[str, Any]) -> None:
        key = f"manifests/etcd/{taken['id']}.json"
        raw = client("backup", "minio", "minio-backup").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        store = client("backup-copy", "offsite", "offsite-backup-copy")
        ours = store.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        store.put_object(Bucket=BUCKET, Key=key, Body=raw)
        try:
            assert catalogue(OFFSITE).read("etcd").damaged == (key,)
            with pytest.raises(Violated, match=key):
                copying.copy(["etcd"])
        finally:
            store.put_object(Bucket=BUCKET, Key=key, Body=ours)

    @pytest.mark.usefixtures("taken")
    def test_what_is_given_up_there_stays_here_and_is_not_copied_again(self) -> None:
        for _ in range(2):
            operations.back_up_store("etcd")
            told("copy", "--store", "etcd")
        here = {each["id"] for each in told("list", "--store", "etcd")}
        gone = {each["backup"] for each in keeping.forget(["etcd"], location=OFFSITE)}
        assert gone
        assert {each["id"] for each in told("list", "--store", "etcd")} == here
        assert told("copy", "--store", "etcd") == []
        (row,) = told("check", "--part", "1", "--of", "1", "--from", "offsite")
        assert row["manifests"] >= 1

    @pytest.mark.usefixtures("taken")
    def test_what_is_newest_after_the_first_place_was_lost_is_newest_there_too(self) -> None:
        operations.back_up_store("etcd")
        told("copy", "--store", "etcd")
        for lost in catalogue().read("etcd").manifests:
            catalogue().remove(lost)
        newest = operations.back_up_store("etcd")["id"]
        told("copy", "--store", "etcd")
        assert told("list", "--store", "etcd", "--from", "offsite")[-1]["id"] == newest

    @pytest.mark.usefixtures("taken")
    def test_what_is_in_use_there_stays_locked(self) -> None:
        assert told("keep-locked", "--from", "offsite") == [{"objects": 0}], "what is new is locked for longer"
        assert catalogue(OFFSITE).keep_locked(days=60) >= 3

    def test_backups_go_on_without_the_second_place(self) -> None:
        assert enginedge("backup", "now", "--store", "etcd", "--json", ENGINEDGE_PORT_OFFSITE="1").returncode == 0
        ended = enginedge("backup", "copy", check=False, ENGINEDGE_PORT_OFFSITE="1")
        assert ended.returncode == 3
        assert "Unavailable" in ended.stderr

    @pytest.mark.usefixtures("taken")
    @pytest.mark.parametrize("service", ["minio", "offsite"])
    def test_who_copies_deletes_at_neither_end_and_adds_at_one(self, service: str) -> None:
        store = client("backup-copy", service, "offsite-backup-copy")
        added = _is_allowed(lambda: store.put_object(Bucket=BUCKET, Key="suite/one", Body=b"x"))
        assert added is (service == "offsite")
        assert not _is_allowed(lambda: store.delete_object(Bucket=BUCKET, Key=next(iter(keys(store, "restic/config")))))
        if service == "minio":
            assert not _is_allowed(lambda: store.list_objects_v2(Bucket="lake"))

    @pytest.mark.parametrize("user", ["backup-copy", "backup-pruner", "root"])
    def test_nobody_deletes_a_version_there(self, user: str) -> None:
        adding = client("backup-copy", "offsite", "offsite-backup-copy")
        this = {"Bucket": BUCKET, "Key": "suite/one"}
        this["VersionId"] = adding.put_object(**this, Body=b"kept")["VersionId"]
        assert not _is_allowed(lambda: client(user, "offsite", f"offsite-{user}").delete_object(**this))
        assert adding.get_object(**this)["Body"].read() == b"kept"


def _listed(backup: str, location: str) -> dict[str, Any]:
    return next(each for each in told("list", "--from", location) if each["id"] == backup)


def _is_allowed(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] not in ("AccessDenied", "InvalidRequest", "ObjectLocked")
    return True


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[InFolder, InFolder]]:
    """A repository with an object of 60 MiB, and an empty one to copy it to, both in folders."""
    with repository_in(tmp_path) as source:
        target = replace(source, folder=tmp_path / "second", location=OFFSITE)
        target.create(source)
        source.marked("suite", "one").save_output("thing", Command(("head", "-c", str(60 * MIB), "/dev/urandom")))
        yield source, target


def test_what_is_damaged_here_does_not_arrive_there_and_is_named(two: tuple[InFolder, InFolder]) -> None:
    source, target = two
    chance = Random()
    pack = chance.choice([each for each in files_of(source.folder, "data") if each.stat().st_size > MIB])
    flip(pack, chance.randrange(MIB // 2), chance)
    with pytest.raises(Violated, match=pack.name[:8]):
        target.copy(source, source.ids())
    assert target.ids() == {}
    target.check()


def _holds_a_large_file(repository: InFolder) -> bool:
    """Whoever writes there meanwhile may rename a file between its listing and the look at its size."""
    with suppress(FileNotFoundError):
        return any(each.stat().st_size > MIB for each in files_of(repository.folder, "data"))
    return False


def test_a_copy_that_is_killed_leaves_no_object_and_the_next_one_ends_it(
    two: tuple[InFolder, InFolder], tmp_path: Path
) -> None:
    source, target = two
    (saved,) = source.ids()
    killed = subprocess.Popen(
        target._argv("copy", "--limit-upload=20000", saved), env=target._environment(source._origin()),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not _holds_a_large_file(target):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert target.ids() == {}
    ids = target.copy(source, [saved])
    assert target.copy(source, [saved]) == ids
    assert target.ids("one").keys() == set(ids.values()), "the marks are copied too"
    target.check()
    whole = loaded(source, Snapshot(saved, "thing", 0, 0), tmp_path / "here")
    shutil.rmtree(source.folder)
    assert loaded(target, Snapshot(ids[saved], "thing", 0, 0), tmp_path / "there") == whole


def test_the_second_repository_cuts_its_bytes_as_the_first_does(two: tuple[InFolder, InFolder]) -> None:
    cuts = {json.loads(each._restic("cat", "config").out)["chunker_polynomial"] for each in two}
    assert len(cuts) == 1


def manifest(days_ago: int, store: str = "etcd") -> Manifest:
    at = NOON - timedelta(days=days_ago)
    return Manifest(f"{store}-{days_ago}", store, Dumped(at, Fingerprint({}), (), {}), 1.0)


@pytest.mark.parametrize(
    ("here", "there", "copied"),
    [
        ([1, 0], [], ["etcd-1", "etcd-0"]),
        ([1, 0], [1], ["etcd-0"]),
        ([1, 0], [1, 0], []),
        ([41, 40, 2, 1, 0], [], ["etcd-40", "etcd-2", "etcd-1", "etcd-0"]),  # 41 would be given up at once
        ([41, 40, 2, 1, 0], [40, 2, 1, 0], []),
        ([], [3], []),
    ],
)
def test_only_what_stays_there_is_copied(here: list[int], there: list[int], copied: list[str]) -> None:
    found, known = (Found(tuple(map(manifest, days)), (), ()) for days in (here, there))
    keep = Keep(daily=3, weekly=0, monthly=2, yearly=0)
    assert [each.id for each in copying.missing(found, known, keep)] == copied
