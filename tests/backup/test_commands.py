"""The command line, as whoever is on call uses it: with Airflow down, on the real stores."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from enginedge.backup import keeping, night, operations
from enginedge.backup.catalogue import catalogue
from enginedge.backup.commands import app
from enginedge.backup.drills import one_older
from enginedge.backup.locations import Location
from enginedge.backup.repository import PASSWORD, repository
from enginedge.backup.retention import Keep
from enginedge.backup.shapes import Command
from enginedge.backup.stores import declared_stores, store_names
from enginedge.errors import Misconfigured, Unavailable, Violated
from enginedge.settings import settings
from tests.backup.new_store import NEW_STORE, with_a_new_store
from tests.installation import enginedge

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("running_stores")]


def told(*arguments: str) -> Any:
    """What a verb prints; in this process, since starting another one takes longer than most verbs."""
    ended = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


@pytest.fixture
def taken(running_stores: None) -> dict[str, Any]:
    """etcd's newest backup, taken by the command line where it has none; which are given up depends on the order of
    the tests."""
    known = told("list", "--store", "etcd") or told("now", "--store", "etcd")
    return dict(known[-1])


def test_a_backup_is_taken_listed_and_proved() -> None:
    (taken,) = told("now", "--store", "etcd")
    listed = {each["id"]: each for each in told("list", "--store", "etcd")}
    assert listed[taken["id"]]["bytes_in"] == taken["bytes_in"] > 0
    (report,) = told("drill", "--store", "etcd", "--backup", taken["id"])
    assert report["asked"] == ["a key is written and read"]
    assert "told" not in report, "it is told once"
    assert report["manifest"] == taken["id"]
    proved = {each["id"]: each for each in told("list", "--store", "etcd")}[taken["id"]]
    assert proved["verified_at"]
    assert proved["restore_s"] == report["restore_s"]


@pytest.mark.usefixtures("taken")
def test_an_older_backup_is_proved_at_random() -> None:
    newest = operations.back_up_store("etcd")["id"]
    (report,) = told("drill", "--store", "etcd", "--older")
    assert report["manifest"] in {each["id"] for each in told("list", "--store", "etcd")} - {newest}
    manifests = catalogue().read("etcd").of("etcd")[-3:]
    drawn = {one_older(manifests, "etcd", Random(seed)).id for seed in range(50)}
    assert drawn == {each.id for each in manifests[:-1]}
    with pytest.raises(Misconfigured, match="no older backup"):
        one_older(manifests[-1:], "etcd")
    assert CliRunner().invoke(app, ["drill", "--older", "--backup", newest]).exit_code == 2


@pytest.mark.usefixtures("taken")
def test_each_week_it_is_another_stores_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    sunday, drilled = date(2026, 11, 29), list[str]()
    monkeypatch.setattr(operations, "drill_store", lambda name, older: drilled.append(name) or {"older": older})
    told = [operations.drill_older_in_turn(sunday + timedelta(weeks=week)) for week in range(len(store_names()))]
    alone = [each["store"] for each in told if not each.get("older")]
    assert sorted([*alone, *drilled]) == sorted(store_names())
    assert {name for name in store_names() if len(catalogue().read(name).regular(name)) > 1} == set(drilled)
    assert operations.drill_older_in_turn(sunday) == operations.drill_older_in_turn(sunday + timedelta(days=1))


@pytest.mark.usefixtures("taken")
def test_what_each_place_keeps_is_counted() -> None:
    assert keeping.account_kept() == {str(each): len(catalogue(each).read().manifests) for each in Location}


@pytest.mark.usefixtures("taken")
def test_how_the_backups_stand_is_told_from_the_catalogue_and_a_missed_objective_ends_with_4(tmp_path: Path) -> None:
    root = str(with_a_new_store(tmp_path))
    ended = enginedge("backup", "status", "--json", check=False, ENGINEDGE_ROOT=root)
    stores = {each["store"]: each for each in json.loads(ended.stdout)["stores"]}
    newest = told("list", "--store", "etcd")[-1]
    assert (stores["etcd"]["backup"], stores["etcd"]["bytes_in"]) == (newest["id"], newest["bytes_in"])
    assert stores["etcd"]["rpo_hours"] < 1
    assert stores["etcd"]["findings"] == []
    assert stores[NEW_STORE]["findings"] == ["rpo-missed"]
    assert ended.returncode == 4
    assert f"{NEW_STORE} (rpo-missed)" in ended.stderr
    assert "etcd" not in ended.stderr
    shown = enginedge("backup", "status", check=False, ENGINEDGE_ROOT=root).stdout
    assert f"missed: {NEW_STORE}: there is no backup of it. What to do: run `enginedge backup now" in shown
    assert told("status", "--store", "etcd")["findings"] == []


@pytest.mark.usefixtures("taken")
def test_one_stores_failure_stops_no_others() -> None:
    """Nobody listens where PostgreSQL is said to be."""
    asked = ("backup", "now", "--store", "postgres", "--store", "etcd", "--json")
    ended = enginedge(*asked, check=False, ENGINEDGE_PORT_POSTGRES="1")
    assert [each["store"] for each in json.loads(ended.stdout)] == ["etcd"]
    assert ended.returncode == 3
    assert "Unavailable" in ended.stderr


@pytest.mark.usefixtures("taken")
def test_a_night_without_a_stores_backup_is_no_good_night() -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(Violated, match="there is no backup of postgres, minio, mongodb, kafka, redis, etcd, jupyter"):
        operations.account(datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(Violated, match="no backup of") as caught:
        operations.account(long_ago)
    assert "etcd" not in str(caught.value).partition(" since ")[0]


def test_what_was_backed_up_of_late_is_proved_once() -> None:
    before = datetime.now(UTC)
    (first,) = told("prove", "--store", "etcd")
    assert first["proved"]
    assert first["bytes_in"] > 0
    assert first["parts"] > 0
    (again,) = told("prove", "--store", "etcd", "--since", f"{before:%Y-%m-%dT%H:%M:%S}")
    assert again == first, "neither backed up nor drilled again"
    assert len([each for each in catalogue().read("etcd").drills if each.manifest == first["backup"]]) == 1
    (later,) = told("prove", "--store", "etcd")
    assert later["backup"] != first["backup"]


def test_a_store_that_cannot_be_backed_up_keeps_no_other_from_its_proof() -> None:
    asked = ("backup", "prove", "--store", "postgres", "--store", "etcd", "--json")
    ended = enginedge(*asked, check=False, ENGINEDGE_PORT_POSTGRES="1")
    assert {each["store"]: each["proved"] for each in json.loads(ended.stdout)} == {"postgres": False, "etcd": True}
    assert ended.returncode == 3
    assert "postgres: Unavailable" in ended.stderr


@pytest.mark.usefixtures("taken")
def test_a_round_of_drills_that_left_a_store_out_is_no_good_one() -> None:
    told("drill", "--store", "etcd")
    with pytest.raises(Violated, match="no backup was proved of postgres, minio") as caught:
        operations.account_drills(datetime(2026, 1, 1, tzinfo=UTC))
    assert "etcd" not in str(caught.value).partition(" since ")[0]


def test_a_verb_that_changes_the_numbers_writes_them(taken: dict[str, Any]) -> None:
    file = settings().metrics / "backup.prom"
    file.unlink()
    told("drill", "--store", "etcd", "--backup", taken["id"])
    families = {each.name: each for each in text_string_to_metric_families(file.read_text())}
    proofs = {
        each.labels["store"]: each.value for each in families["enginedge_backup_verified_timestamp_seconds"].samples
    }
    assert datetime.now(UTC).timestamp() - proofs["etcd"] < 60


def test_numbers_that_cannot_be_written_fail_no_backup(taken: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = enginedge("backup", "drill", "--store", "etcd", ENGINEDGE_METRICS=str(tmp_path / "file" / "folder"))
    assert "The numbers for Prometheus are as they were" in ended.stderr


def test_two_backups_of_one_store_at_once_are_one_too_many() -> None:
    (store,) = declared_stores(["etcd"])
    with night.alone("etcd"), pytest.raises(Unavailable, match="a backup or a restore of it is running"):
        night.back_up(store, repository(), catalogue())


def test_a_store_that_nobody_backs_up_is_answered_with_those_there_are() -> None:
    with pytest.raises(Misconfigured, match="one of postgres"):
        declared_stores(["postgre"])


@pytest.mark.parametrize("verb", ["list", "status", "copy", "forget", "now", "drill"])
def test_a_misspelt_store_is_told_and_not_taken_for_one_without_backups(verb: str) -> None:
    ended = CliRunner().invoke(app, [verb, "--store", "postgre"])
    assert isinstance(ended.exception, Misconfigured), ended.output
    assert "one of postgres" in str(ended.exception)


def test_a_share_that_there_is_not_is_no_damage() -> None:
    with pytest.raises(Misconfigured, match="no share 8 of 7"):
        keeping.check_share(8, 7)
    assert CliRunner().invoke(app, ["check", "--of", "0"]).exit_code == 2


@pytest.mark.usefixtures("taken")
def test_a_dry_run_says_what_would_go_and_nothing_goes() -> None:
    before = {each["id"] for each in told("list")}
    rows = told("forget")
    assert {each["backup"] for each in rows} == before
    assert all(each["why"] for each in rows)
    assert {each["id"] for each in told("list")} == before


@pytest.mark.usefixtures("taken")
def test_what_a_backup_that_failed_has_left_behind_is_foretold_and_given_up_after_a_day() -> None:
    young = repository().marked("etcd", "torn").save_output("thing", Command(("echo", "young")))
    asked = ("--tag=enginedge", "--stdin-filename=thing", "--stdin-from-command", "--", "echo", "old")
    said = repository()._restic("backup", "--json", "--time=2026-01-01 00:00:00", *asked).out.splitlines()
    old = next(str(json.loads(line)["snapshot_id"]) for line in said if "snapshot_id" in line)
    gone = {"store": "", "backup": old, "stays": False, "why": "it belongs to no backup"}
    assert gone in told("forget", "--store", "etcd")
    assert gone in keeping.forget_or_tell(dry_run=True)
    assert old in repository().ids()
    assert gone in keeping.forget(["etcd"])
    left = repository().ids().keys()
    assert young.id in left
    assert old not in left
    repository().forget([young.id])


def test_giving_up_leaves_the_newest_and_the_proved(taken: dict[str, Any]) -> None:
    told("drill", "--store", "etcd", "--backup", taken["id"])
    for _ in range(2):
        operations.back_up_store("etcd")
    went = keeping.forget(["etcd"])
    left = told("list", "--store", "etcd")
    assert went
    assert left[-1]["verified_at"] is None
    assert {each["store"] for each in went} == {"etcd"}
    assert any(each["verified_at"] for each in left)
    ids = {part.id for each in catalogue().read().manifests for part in each.dumped.objects}
    assert ids <= set(repository().ids()), "what stays is whole"


@pytest.mark.parametrize(("busy", "location"), [("etcd", Location.PRIMARY), ("offsite", Location.OFFSITE)])
def test_nothing_is_given_up_while_a_backup_a_copy_or_a_restore_runs(busy: str, location: Location) -> None:
    """Whose objects have no manifest yet, or are about to be read."""
    before = catalogue(location).read().manifests
    with night.alone(busy), pytest.raises(Unavailable, match=f"{busy}: .*is running"):
        keeping.forget(keep=Keep(0, 0, 0, 0), location=location)
    assert catalogue(location).read().manifests == before


@pytest.mark.usefixtures("taken")
def test_a_share_of_the_bytes_is_checked() -> None:
    (row,) = told("check", "--part", "1", "--of", "1")
    assert row["share"] == "1/1"
    assert row["manifests"] >= 1


def test_the_recovery_sheet_opens_everything_and_can_be_closed_to_all_but_one(tmp_path: Path) -> None:
    sheet = told("recovery-sheet")
    assert sheet["secrets"][PASSWORD] == settings().secret(PASSWORD)
    assert {"airflow-fernet", "backup-signing", "postgres-admin", "etcd-root"} <= set(sheet["secrets"])
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=safe", "-days", "1"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    message = enginedge("backup", "recovery-sheet", "--certificate", str(certificate)).stdout
    assert settings().secret(PASSWORD) not in message
    opened = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "PEM", "-inkey", str(key)],
        input=message, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert settings().secret(PASSWORD) in opened.stdout
