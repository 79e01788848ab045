"""Bad days of a night's backups: the place is away, full or opened by another password, somebody dies, the clock is
wrong. Each is named, nothing half-done counts, and the next night goes on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from deploy.local import kernel
from enginedge.backup import keeping, night, operations
from enginedge.backup.catalogue import catalogue
from enginedge.backup.night import back_up, prepare
from enginedge.backup.repository import BUCKET, PASSWORD, Restic, repository
from enginedge.backup.shapes import Command, Dumped, Repository
from enginedge.backup.sources.volumes import Volume
from enginedge.backup.stores import Store, declared_stores
from enginedge.errors import Misconfigured, Unavailable
from enginedge.private_files import write_private
from enginedge.settings import settings
from tests.backup.away import MIB, refuse_what_an_absence_spoils, repository_on_its_own
from tests.backup.test_commands import told
from tests.installation import ROOT, enginedge, secret_values

AWAY_S = 4.0  # a minute in `make soak`
AT_ONCE_S = 20.0  # restic alone would try again for a quarter of an hour


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Restic]:
    with repository_on_its_own(tmp_path) as made:
        yield made


def test_a_place_that_is_away_for_a_while_costs_time_and_nothing_else(place: Restic, tmp_path: Path) -> None:
    refuse_what_an_absence_spoils(place, tmp_path, AWAY_S)


def test_a_full_bucket_is_named_at_once_and_the_next_backup_is_taken_once_there_is_room(place: Restic) -> None:
    """By a quota of one megabyte, which any of restic's packs exceeds by itself."""
    from minio import MinioAdmin
    from minio.credentials.providers import StaticProvider

    login = StaticProvider(place.store.user, place.store.password)
    admin = MinioAdmin(endpoint=place.store.url.removeprefix("http://"), credentials=login, secure=False)
    kept = place.save_output("before", Command(("echo", "what was there")))
    admin.bucket_quota_set(BUCKET, 1_000_000)
    marked, large = place.marked("suite", "full"), Command(("head", "-c", str(40 * MIB), "/dev/urandom"))
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"no room.*quota.*raise the bucket's quota"):
        marked.save_output("thing", large)
    assert time.monotonic() - began < AT_ONCE_S
    admin.bucket_quota_set(BUCKET, 1)
    assert place.ids("full") == {}
    assert place.read(kept) == "what was there\n", "it is read where not even a lock can be written any more"
    assert time.monotonic() - began < 2 * AT_ONCE_S
    admin.bucket_quota_clear(BUCKET)
    saved = marked.save_output("thing", large)
    assert set(place.ids("full")) == {saved.id}
    place.check()


@pytest.mark.stores
@pytest.mark.usefixtures("running_stores")
class TestANight:
    @pytest.mark.parametrize("verb", [("now", "--store", "etcd"), ("list",), ("drill", "--store", "etcd")])
    def test_a_place_that_does_not_answer_is_named_within_seconds(self, verb: tuple[str, ...]) -> None:
        began = time.monotonic()
        ended = enginedge("backup", *verb, check=False, ENGINEDGE_PORT_MINIO="1")
        assert time.monotonic() - began < AT_ONCE_S
        assert ended.returncode == 3
        assert "127.0.0.1:1" in ended.stderr

    def test_another_password_of_the_repository_is_named_and_nothing_is_dumped(self, tmp_path: Path) -> None:
        operations.back_up_store("etcd")
        before = {each["id"] for each in told("list")}
        shutil.copytree(settings().secrets, tmp_path / "secrets")
        write_private(tmp_path / "secrets" / PASSWORD, "another")
        ended = enginedge("backup", "now", "--store", "etcd", check=False, ENGINEDGE_SECRETS=str(tmp_path / "secrets"))
        assert ended.returncode == 2
        assert "the repository's password is wrong" in ended.stderr
        assert "recovery sheet" in ended.stderr
        assert {each["id"] for each in told("list")} == before

    def test_nothing_is_given_up_while_a_drill_reads_and_no_drill_reads_meanwhile(self) -> None:
        backup = operations.back_up_store("etcd")["id"]
        with night.reading("etcd"), night.reading("etcd"), pytest.raises(Unavailable, match="a drill of it is running"):
            keeping.forget()
        with night.unread("etcd"), pytest.raises(Unavailable, match="backups are being given up"):
            operations.drill_store("etcd", backup)
        assert operations.drill_store("etcd", backup)["manifest"] == backup

    def test_no_secret_is_in_what_the_verbs_say(self) -> None:
        values = set(secret_values(settings().secrets).values())
        for verb in (("now", "--store", "etcd"), ("drill", "--store", "etcd"), ("list",), ("check", "--of", "9")):
            ended = enginedge("backup", *verb)
            assert [value for value in values if value in ended.stdout + ended.stderr] == []

    def test_a_killed_backup_is_none_leaves_nobody_behind_and_the_next_one_is_taken(self, slow: Store) -> None:
        before = catalogue().read(slow.name).manifests
        killed = subprocess.Popen([sys.executable, "-c", BACK_UP_SLOWLY, str(slow.source.folder)], cwd=ROOT)
        try:
            while not (started := [each for each in kernel.processes() if str(slow.source.folder) in each.command
                                   and "restic" in each.command]):  # fmt: skip
                assert killed.poll() is None
                time.sleep(0.05)
            with pytest.raises(Unavailable, match="a backup or a restore of it is running"):
                back_up(slow, repository(), catalogue())
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.wait()
        until = time.monotonic() + 10
        while left := [each for each in started if kernel.is_same(each)]:
            assert time.monotonic() < until, left
            time.sleep(0.1)
        assert catalogue().read(slow.name).manifests == before
        manifest = back_up(slow, repository(), catalogue())
        assert catalogue().read(slow.name).manifests == (*before, manifest)

    def test_an_object_without_a_manifest_is_no_backup_and_one_with_an_altered_manifest_is_named(self) -> None:
        prepare(repository(), catalogue())
        alone = repository().marked("etcd", "no-manifest").save_output("snapshot.db", Command(("echo", "x")))
        taken = operations.back_up_store("etcd")["id"]
        assert alone.id in repository().ids("no-manifest")
        assert "no-manifest" not in {each["id"] for each in told("list")}
        store, this = client(), {"Bucket": BUCKET, "Key": f"manifests/etcd/{taken}.json"}
        written = store.get_object(**this)["Body"].read()
        said = json.loads(written)
        said["body"]["taken_at"] = "2026-01-01T00:00:00+00:00"
        store.put_object(**this, Body=json.dumps(said).encode())
        try:
            ended = enginedge("backup", "list", "--json", check=False)
            assert ended.returncode == 4
            assert this["Key"] in ended.stderr
            assert taken not in {each["id"] for each in json.loads(ended.stdout)}
            with pytest.raises(Misconfigured, match="there is no backup"):
                operations.drill_store("etcd", taken)
        finally:
            store.put_object(**this, Body=written)
        assert operations.drill_store("etcd", taken)["manifest"] == taken

    def test_the_clock_may_be_set_back(self, slow: Store) -> None:
        """The newest backup stays the one that was taken last, whatever it believes of the time."""
        names = [back_up(replace(slow, source=Earlier(slow.source.folder, days)), repository(), catalogue()).id
                 for days in (0, 3, 1)]  # fmt: skip
        found = catalogue().read(slow.name)
        assert [each.id for each in found.of(slow.name)][-3:] == names
        assert operations.chosen(found, slow.name).id == names[-1]
        told_of = {each.manifest.id: each for each in keeping.judged([slow.name]).verdicts}
        assert told_of[names[-1]].why.startswith("the newest")
        assert all(told_of[name].stays for name in names), "each is of another day"


class Earlier(Volume):
    """A volume that is dumped while the clock is ``days`` behind."""

    def __init__(self, folder: Path, days: int) -> None:
        super().__init__(folder)
        object.__setattr__(self, "days", days)

    def dump(self, into: Repository) -> Dumped:
        return replace(super().dump(into), taken_at=datetime.now(UTC) - timedelta(days=self.days))  # type: ignore[attr-defined]


BACK_UP_SLOWLY = """
import sys
from pathlib import Path
from enginedge.backup.catalogue import catalogue
from enginedge.backup.night import back_up
from enginedge.backup.repository import repository
from tests.backup.test_bad_days import SlowVolume, volume
back_up(volume(SlowVolume(Path(sys.argv[1]))), repository(), catalogue())
"""


class SlowVolume(Volume):
    """A volume whose dump takes a minute."""

    def dump(self, into: Repository) -> Dumped:
        into.save_output("slow", Command(("sh", "-c", f"echo {self.folder}; sleep 60")))
        return super().dump(into)


def volume(source: Volume) -> Store:
    (kafka,) = declared_stores(["kafka"])
    return replace(kafka, name="bad-days", source=source)


@pytest.fixture
def slow(running_stores: None, tmp_path: Path) -> Iterator[Store]:
    """A small volume, whose backups are forgotten again."""
    prepare(repository(), catalogue())
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "one").write_text("content")
    yield volume(Volume(folder))
    for each in catalogue().read("bad-days").manifests:
        catalogue().remove(each)


def client() -> Any:
    login = {"aws_access_key_id": "backup", "aws_secret_access_key": settings().secret("minio-backup")}
    return boto3.client("s3", endpoint_url=settings().endpoint("minio").url, region_name="us-east-1", **login)
