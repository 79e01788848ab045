"""The catalogue: what is altered, moved or unsigned is no backup, and is named."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from enginedge.backup.catalogue import SIGNING_KEY, Catalogue, catalogue, manifest_as_json, manifest_of, refuse_damaged
from enginedge.backup.night import prepare
from enginedge.backup.object_store import ObjectStore
from enginedge.backup.repository import BUCKET
from enginedge.backup.shapes import DrillReport, Dumped, Fingerprint, Manifest, Snapshot
from enginedge.errors import Misconfigured, Violated
from enginedge.private_files import write_private
from enginedge.settings import Settings, settings

STORE = "catalogue-suite"
NOON = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
KEY = "the test's own"


def manifest(id_: str = "one", store: str = STORE) -> Manifest:
    found = Fingerprint({"table ü": "3 rows, 0a"}, {"sequence": 7})
    dumped = Dumped(NOON, found, (Snapshot("abc", "whole", 10, 5), Snapshot("def", "roles", 1, 1)), {"tool": "1.2"})
    return Manifest(id_, store, dumped, 1.5)


def test_a_manifest_survives_being_written() -> None:
    for each in (manifest(), replace(manifest(), safety=True, number=7)):
        assert manifest_of(json.loads(json.dumps(manifest_as_json(each)))) == each


def test_a_manifest_says_by_itself_what_was_taken_when_and_how_much() -> None:
    told = manifest_as_json(manifest())
    assert told["taken_at"] == "2026-11-25T12:00:00.123456+00:00"
    assert (told["bytes_in"], told["bytes_stored"]) == (11, 6)
    assert [each["id"] for each in told["objects"]] == ["abc", "def"]


@pytest.mark.parametrize(
    ("copy", "says"),
    [
        (Fingerprint({"a": "1", "b": "2"}, {"n": 5}), []),
        (Fingerprint({"a": "1", "b": "2"}, {"n": 6}), []),
        (Fingerprint({"a": "1", "b": "3"}, {"n": 5}), ["b is 3, not 2"]),
        (Fingerprint({"a": "1"}, {"n": 5}), ["b is missing, not 2"]),
        (Fingerprint({"a": "1", "b": "2", "c": "3"}, {"n": 5}), ["c was not in the backup"]),
        (Fingerprint({"a": "1", "b": "2"}, {"n": 4}), ["n stands at 4, before 5"]),
        (Fingerprint({"a": "1", "b": "2"}), ["n stands at nothing, before 5"]),
    ],
)
def test_every_difference_is_a_sentence(copy: Fingerprint, says: list[str]) -> None:
    assert Fingerprint({"a": "1", "b": "2"}, {"n": 5}).differences(copy) == says


def test_a_repository_that_is_gone_is_not_made_anew_in_silence() -> None:
    class Gone:
        where = "there"

        def exists(self) -> bool:
            return False

        def create(self, _: Any) -> None:
            raise AssertionError("it was made anew")

    class Known:
        def read(self) -> Any:
            return type("Found", (), {"manifests": (manifest(),)})()

    with pytest.raises(Violated, match="the repository is gone, and 1 backups with it"):
        prepare(Gone(), Known())  # type: ignore[arg-type]


class Held:
    """A bucket that holds ``raw`` under every key."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def get_object(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.raw)}


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"null", b"[]", b'{"body": {}}', b'{"body": {}, "signature": "\xc3\xa9"}', b"[" * 200_000,
     b'{"body": ' * 200_000, b'{"body": {"a": ' + b"[" * 900 + b"]" * 900 + b'}, "signature": ""}',
     b'{"body": {"a": "\\ud800"}, "signature": ""}'],
    ids=range(10),
)  # fmt: skip
def test_whatever_lies_there_and_was_not_written_by_us_is_no_manifest_and_hides_no_other(
    raw: bytes, tmp_path: Path
) -> None:
    nowhere = ObjectStore("http://127.0.0.1:1", "nobody", tmp_path)
    read = Catalogue(nowhere, nowhere)._get(Held(raw), "manifests/one/two.json", KEY)  # type: ignore[arg-type]
    assert read is None


def test_any_flipped_bit_of_a_manifest_is_found_or_changes_nothing_that_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = Settings(tmp_path, tmp_path, tmp_path)
    write_private(tmp_path / SIGNING_KEY, KEY)
    monkeypatch.setattr("enginedge.backup.catalogue.settings", lambda: installation)
    nowhere = ObjectStore("http://127.0.0.1:1", "nobody", tmp_path)
    kept, key = Catalogue(nowhere, nowhere), "manifests/one/two.json"
    body = manifest_as_json(manifest())
    raw = kept._signed(key, body)
    assert kept._get(Held(raw), key, KEY) == body  # type: ignore[arg-type]
    spoilt = (raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :] for at in range(len(raw)) for bit in range(8))
    found = [kept._get(Held(each), key, KEY) for each in spoilt]  # type: ignore[arg-type]
    assert [each for each in found if each not in (None, body)] == []
    assert found.count(None) > len(found) - 10, "of a letter written by its number, its case"


@pytest.fixture
def bucket(running_stores: None) -> Iterator[Any]:
    """A client of the bucket, which is cleared of what a test wrote there."""
    login = {"aws_access_key_id": "backup-pruner", "aws_secret_access_key": settings().secret("minio-backup-pruner")}
    store = boto3.client("s3", endpoint_url=settings().endpoint("minio").url, region_name="us-east-1", **login)
    yield store
    for kind in ("manifests", "drills"):
        for each in store.list_objects_v2(Bucket=BUCKET, Prefix=f"{kind}/{STORE}/").get("Contents", ()):
            store.delete_object(Bucket=BUCKET, Key=each["Key"])


@pytest.mark.stores
class TestOnTheBucket:
    @pytest.mark.usefixtures("bucket")
    def test_a_backup_is_listed_with_its_last_proof(self) -> None:
        one, two = manifest("one"), manifest("two")
        for each in (one, two):
            catalogue().add(each)
        for minute in (1, 2):
            catalogue().record(DrillReport(STORE, "one", NOON.replace(minute=minute), 2.0, 3.0, 2))
        found = catalogue().read(STORE)
        assert {each.id for each in found.of(STORE)} == {"one", "two"}
        assert found.verified(one).drilled_at.minute == 2  # type: ignore[union-attr]
        assert found.verified(two) is None
        refuse_damaged(found)

    @pytest.mark.parametrize("harm", ["a number", "another's place", "no signature", "not JSON"])
    def test_an_altered_manifest_is_no_backup_and_is_named(self, bucket: Any, harm: str) -> None:
        catalogue().add(manifest("good"))
        catalogue().add(manifest("bad"))
        key = f"manifests/{STORE}/bad.json"
        said = json.loads(bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        if harm == "a number":
            said["body"]["fingerprint"]["parts"]["table ü"] = "4 rows, 0a"
        elif harm == "another's place":
            key = f"manifests/{STORE}/elsewhere.json"
        elif harm == "no signature":
            del said["signature"]
        body = b"\x00" if harm == "not JSON" else json.dumps(said).encode()
        bucket.put_object(Bucket=BUCKET, Key=key, Body=body)
        found = catalogue().read(STORE)
        assert found.damaged == (key,)
        with pytest.raises(Violated, match=key):
            refuse_damaged(found)
        with pytest.raises(Misconfigured, match="there is no backup"):
            found.manifest("elsewhere" if harm == "another's place" else "bad")

    @pytest.mark.usefixtures("bucket")
    def test_a_manifest_of_another_key_is_no_backup(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("enginedge.backup.catalogue.SIGNING_KEY", "redis")
            catalogue().add(manifest(secrets.token_hex(4)))
        assert len(catalogue().read(STORE).damaged) == 1

    @pytest.mark.usefixtures("bucket")
    def test_a_backup_that_is_given_up_is_not_listed(self) -> None:
        catalogue().add(manifest("gone"))
        catalogue().remove(manifest("gone"))
        assert catalogue().read(STORE).manifests == ()

    def test_what_is_in_use_stays_locked_and_a_longer_lock_is_left_alone(self, bucket: Any) -> None:
        catalogue().add(manifest("kept"))
        this = {"Bucket": BUCKET, "Key": f"manifests/{STORE}/kept.json"}
        before = bucket.get_object_retention(**this)["Retention"]["RetainUntilDate"]
        assert catalogue().keep_locked(days=2) == 0, "the bucket locks what is new for longer"
        assert catalogue().keep_locked(days=60) >= 1
        after = bucket.get_object_retention(**this)["Retention"]["RetainUntilDate"]
        assert (after - before).days in (29, 30)
