"""Which two backups are one lake: what names the files, and the first of what holds them that was taken after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from enginedge.backup.catalogue import Found, manifest_as_json, manifest_of
from enginedge.backup.pairs import chosen_pair, proved_together
from enginedge.backup.shapes import DrillReport, Dumped, Fingerprint, Manifest, Pointed
from enginedge.errors import Misconfigured

MIDNIGHT = datetime(2026, 11, 28, tzinfo=UTC)
READ_AFTER_S, TOOK_S = 90.0, 600.0


def taken(store: str, minute: int) -> Manifest:
    began = MIDNIGHT + timedelta(minutes=minute)
    pointed = (
        Pointed(began + timedelta(seconds=READ_AFTER_S), {"mart.a": "s3://lake/a"}) if store == "postgres" else None
    )
    return Manifest(f"{store}-{minute}", store, Dumped(began, Fingerprint({}), (), {}, pointed=pointed), TOOK_S)


def found(**minutes: list[int]) -> Found:
    manifests = [taken(store, minute) for store, each in minutes.items() for minute in each]
    return Found(tuple(sorted(manifests, key=lambda each: each.taken_at)), (), ())


def ids(catalogue: Found, naming: str = "", holding: str = "") -> tuple[str, str]:
    pair = chosen_pair(catalogue, naming, holding)
    return pair.naming.id, pair.holding.id


def test_it_is_the_newest_of_the_database_and_the_first_of_the_buckets_after_it() -> None:
    assert ids(found(postgres=[0, 10], minio=[5, 20, 30])) == ("postgres-10", "minio-20")


def test_buckets_that_were_dumped_before_the_names_were_read_are_not_after_it() -> None:
    assert ids(found(postgres=[10], minio=[11, 12])) == ("postgres-10", "minio-12")


def test_a_database_whose_buckets_are_not_dumped_yet_is_passed_over() -> None:
    assert ids(found(postgres=[0, 30], minio=[10])) == ("postgres-0", "minio-10")


def test_a_chosen_one_is_paired_with_the_nearest_of_the_other() -> None:
    there = found(postgres=[0, 10, 20], minio=[5, 15, 25])
    assert ids(there, naming="postgres-0") == ("postgres-0", "minio-5")
    assert ids(there, holding="minio-15") == ("postgres-10", "minio-15")
    assert ids(there, "postgres-0", "minio-25") == ("postgres-0", "minio-25")


def test_buckets_that_are_older_than_the_database_are_refused() -> None:
    with pytest.raises(Misconfigured, match=r"minio-5 of minio is older than postgres-10 of postgres"):
        chosen_pair(found(postgres=[10], minio=[5, 15]), "postgres-10", "minio-5")


@pytest.mark.parametrize(
    "there", [found(), found(postgres=[10]), found(minio=[10]), found(postgres=[10], minio=[5]), found(mongodb=[1])]
)
def test_where_there_is_no_pair_it_says_how_to_take_one(there: Found) -> None:
    with pytest.raises(Misconfigured, match="enginedge backup now --store postgres --store minio"):
        chosen_pair(there)


def test_the_last_two_that_were_proved_together_are_told_from_the_drills() -> None:
    proofs = [
        DrillReport("lake", each, MIDNIGHT, 1.0, 2.0, 3) for each in ("postgres-0_minio-5", "postgres-10_minio-20")
    ]
    other = DrillReport("minio", "minio-30", MIDNIGHT, 1.0, 2.0, 3)
    assert proved_together(Found((), (*proofs, other), ())) == {"postgres-10", "minio-20"}
    assert proved_together(Found((), (other,), ())) == set()


def test_a_backup_of_another_store_is_refused() -> None:
    with pytest.raises(Misconfigured, match="minio-20 is a backup of minio, not of postgres"):
        chosen_pair(found(postgres=[10], minio=[20]), naming="minio-20")
    with pytest.raises(Misconfigured, match="there is no backup 'nobody'"):
        chosen_pair(found(postgres=[10], minio=[20]), holding="nobody")


def test_what_a_backup_names_is_read_back_from_its_manifest_and_older_manifests_name_nothing() -> None:
    pointed = Pointed(
        MIDNIGHT, {"mart.a": "s3://lake/mart/a/metadata/1.metadata.json"}, {"mart.a": "3:ff"}, {"mart.b": "gone"}
    )
    dumped = Dumped(MIDNIGHT, Fingerprint({"part": "1 row"}), (), {"tool": "1"}, pointed=pointed)
    manifest = Manifest("postgres-0", "postgres", dumped, TOOK_S)
    body = manifest_as_json(manifest)
    assert manifest_of(body) == manifest
    del body["pointed"]
    assert manifest_of(body).dumped.pointed is None
