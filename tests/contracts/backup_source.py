"""One suite for every kind of store: what is restored is what was there when it was dumped, or the drill says which
part is not.

A source's own test inherits :class:`BackupSourceSuite` and says how its store is filled, written to and spoilt. The
store is written to all the while it is dumped.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import boto3
import pytest

from deploy.local.credentials import SECRETS
from enginedge.backup.catalogue import catalogue
from enginedge.backup.drills import drill
from enginedge.backup.night import back_up, prepare
from enginedge.backup.repository import BUCKET, repository
from enginedge.backup.shapes import Command, Fingerprint, Manifest, Snapshot
from enginedge.backup.stores import Store
from enginedge.errors import EnginEdgeError, Misconfigured, Violated
from enginedge.settings import settings
from tests.contracts.spoiling import Spoiling
from tests.watched import secrets_in, watched

#: Every suite puts it into its store, as a value.
CANARY = "a canary that sings here where none but its owner listens"


@dataclass
class Taken:
    """One backup of the suite's store, and what the kernel showed of the tools that made and restored it."""

    store: Store
    manifest: Manifest
    shown: set[str]
    began: datetime
    before: Fingerprint

    @property
    def largest(self) -> Snapshot:
        return max(self.manifest.dumped.objects, key=lambda each: each.bytes_in)


class Writer(threading.Thread):
    """Never stops writing while a backup is taken."""

    def __init__(self, suite: BackupSourceSuite) -> None:
        super().__init__(daemon=True)
        self.suite, self.done, self.written = suite, threading.Event(), 0

    def run(self) -> None:
        while not self.done.wait(0.005):
            self.suite.write(self.written + 1)
            self.written += 1

    def stop(self) -> None:
        assert self.is_alive(), f"it stopped after {self.written}"
        self.done.set()
        self.join()
        assert self.written


class BackupSourceSuite:
    """What every source promises. Inherit it, and give what raises here; ``dumper`` is shown by a program at work, and
    a drill asks a restored copy so many ``questions``."""

    dumper: str
    questions: int

    def store(self) -> Store:
        """The suite's own part of the store."""
        raise NotImplementedError

    def live(self) -> Any:
        """The target that is the running store itself."""
        raise NotImplementedError

    def seed(self) -> None:
        """Fill the suite's part of the store anew."""
        raise NotImplementedError

    def write(self, number: int) -> None:
        """Write one more thing."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what writing has opened."""

    def alter(self, target: Any) -> str:
        """Change one cell of a restored copy, and return the name of its part."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def taken(cls, running_stores: None) -> Taken:  # noqa: ARG003 - the fixture is wanted for what it does
        """One backup, taken while it was written to."""
        suite = cls()
        suite.seed()
        prepare(repository(), catalogue())
        before, began = suite.store().source.fingerprint(suite.live()), datetime.now(UTC)
        writer = Writer(suite)
        writer.start()
        try:
            with watched() as shown:
                while not writer.written:
                    time.sleep(0.01)
                manifest = back_up(suite.store(), repository(), catalogue())
            writer.stop()
        finally:
            writer.done.set()
            writer.join()
            suite.write(1_000_000)
            suite.close()
        return Taken(suite.store(), manifest, shown, began, before)

    @pytest.fixture(scope="class")
    @classmethod
    def restored(cls, taken: Taken) -> Iterator[Any]:
        """The backup, restored into scratch by the source alone; tests change it, each for itself."""
        with taken.store.scratch() as target:
            taken.store.source.restore(taken.manifest.dumped, repository(), target)
            assert taken.manifest.dumped.fingerprint.differences(taken.store.source.fingerprint(target)) == []
            yield target

    def test_a_drill_proves_the_backup_and_says_how_long_a_restore_takes(self, taken: Taken) -> None:
        with watched() as shown:
            report = drill(taken.store, taken.manifest, repository())
        assert [each for each in shown if "restic" in each], "the tools were seen at work"
        assert secrets_in(shown) == []
        assert report.parts == len(taken.manifest.dumped.fingerprint.parts) + len(
            taken.manifest.dumped.fingerprint.at_least
        )
        assert 0 < report.restore_s < report.drill_s
        assert len(report.told["asked"]) == self.questions, "it was asked, and answered"

    def test_the_fingerprint_is_of_the_dumped_moment_and_neither_of_before_nor_of_now(self, taken: Taken) -> None:
        dumped, now = taken.manifest.dumped.fingerprint, taken.store.source.fingerprint(self.live())
        assert taken.before.differences(dumped), "it was written to before"
        assert dumped.differences(now), "it was written to since"

    def test_the_manifest_is_read_back_as_it_was_written(self, taken: Taken) -> None:
        found = catalogue().read(taken.store.name)
        assert found.manifest(taken.manifest.id) == taken.manifest
        assert taken.manifest.dumped.tool_versions["restic"].startswith("restic 0.")
        assert found.damaged == ()

    def test_every_object_of_the_manifest_is_in_the_repository(self, taken: Taken) -> None:
        ids = {each.id for each in taken.manifest.dumped.objects}
        assert ids
        assert ids == set(repository().ids(taken.manifest.id))

    def test_one_altered_cell_of_the_copy_is_named(self, taken: Taken, restored: Any) -> None:
        before = taken.store.source.fingerprint(restored)
        part = self.alter(restored)
        told = before.differences(taken.store.source.fingerprint(restored))
        assert [line for line in told if line.startswith(part)], told

    def test_a_drill_of_a_spoilt_copy_fails(self, taken: Taken) -> None:
        suite, altered = self, list[str]()

        class Spoilt(type(taken.store.source)):  # type: ignore[misc]
            def restore(self, dumped: Any, repository: Any, to: Any) -> None:
                super().restore(dumped, repository, to)
                altered.append(suite.alter(to))

        source = Spoilt(**{name: getattr(taken.store.source, name) for name in taken.store.source.__dataclass_fields__})
        with pytest.raises(Violated, match="the restored copy is not what was dumped") as told:
            drill(replace(taken.store, source=source), taken.manifest, repository())
        assert altered[0] in str(told.value), "and it is named"

    def test_a_dump_that_was_cut_short_in_silence_fails_its_drill(self, taken: Taken) -> None:
        largest = taken.largest
        dumped = taken.store.source.dump(Spoiling.cut(repository().marked(taken.store.name, "cut"), largest))
        assert {each.name: each.bytes_in for each in dumped.objects}[largest.name] == largest.bytes_in // 2
        with pytest.raises(EnginEdgeError):
            drill(taken.store, Manifest("cut", taken.store.name, dumped, 1.0), repository())

    def test_a_dump_tool_that_is_killed_leaves_nothing_that_looks_whole(self, taken: Taken) -> None:
        """At one byte; `make soak` kills it at twenty."""
        refuse_what_a_kill_leaves(taken, Random())

    def test_a_target_that_is_not_empty_is_refused(self, taken: Taken, restored: Any) -> None:
        before = taken.store.source.fingerprint(restored)
        with pytest.raises(Misconfigured, match="not empty"):
            taken.store.source.restore(taken.manifest.dumped, repository(), restored)
        assert before.differences(taken.store.source.fingerprint(restored)) == []

    def test_no_secret_is_in_an_argument_or_an_environment(self, taken: Taken) -> None:
        assert [shown for shown in taken.shown if self.dumper in shown], "the tools were seen at work"
        assert secrets_in(taken.shown) == []

    def test_what_was_backed_up_is_nowhere_in_the_clear(self, taken: Taken) -> None:
        # fails where it is not in it
        repository().load_into(taken.largest, Command(("grep", "--text", "--count", CANARY)))
        raw = CANARY.encode()
        told = [raw, base64.b64encode(raw), raw.hex().encode()]
        bodies = list(written_since(taken.began))
        assert len(bodies) > 3
        assert [body for body in bodies for each in told if each in body] == []

    def test_no_secret_is_in_the_manifest(self, taken: Taken) -> None:
        from enginedge.backup.catalogue import manifest_as_json

        text = json.dumps(manifest_as_json(taken.manifest))
        assert [name for name in SECRETS if settings().secret(name) in text] == []

    def test_a_dump_that_fails_is_no_backup(self, taken: Taken) -> None:
        before = catalogue().read(taken.store.name).manifests
        with pytest.raises(EnginEdgeError):
            back_up(replace(taken.store, source=self.unreachable()), repository(), catalogue())
        assert catalogue().read(taken.store.name).manifests == before

    def unreachable(self) -> Any:
        """The source of a store that does not answer."""
        raise NotImplementedError


def refuse_what_a_kill_leaves(taken: Taken, chance: Random) -> None:
    """Return when the store's own tool was killed in its largest object, and there is neither that nor a backup."""
    at = chance.randrange(taken.largest.bytes_in // 2)
    assert taken.largest.bytes_in > 20_000, "more than the pipe holds: it is still printing when it is killed"
    objects, backups = set(repository().ids()), catalogue().read(taken.store.name).manifests
    with pytest.raises(EnginEdgeError):
        back_up(taken.store, Spoiling.killed(repository(), taken.largest, at), catalogue())  # type: ignore[arg-type]
    assert catalogue().read(taken.store.name).manifests == backups, f"killed at {at}"
    left = [each for each in repository()._listed() if each["id"] not in objects]
    assert f"/{taken.largest.name}" not in [path for each in left for path in each["paths"]], f"killed at {at}"
    repository().forget({each["id"] for each in left})


def written_since(moment: datetime) -> Iterator[bytes]:
    """The raw bytes of everything that was put into the backups' bucket after ``moment``, manifests included."""
    login = {"aws_access_key_id": "backup", "aws_secret_access_key": settings().secret("minio-backup")}
    store = boto3.client("s3", endpoint_url=settings().endpoint("minio").url, region_name="us-east-1", **login)
    for page in store.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for each in page.get("Contents", ()):
            if each["LastModified"] >= moment.replace(microsecond=0):
                yield store.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
    store.close()
