"""Restoring in earnest: over what is there only by a word, never without a way back, and again after a kill."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from enginedge.backup import copying, night, operations, restoring
from enginedge.backup.catalogue import catalogue
from enginedge.backup.foretelling import Request, foretold_s, plan
from enginedge.backup.locations import Location
from enginedge.backup.repository import repository
from enginedge.backup.shapes import DrillReport
from enginedge.backup.stores import Store
from enginedge.cli import app
from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from tests.backup.places import BUCKET, DUMPED, NAME, Place, asked, each_place
from tests.installation import enginedge
from tests.watched import secrets_in, watched

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("running_stores")]


def run_line(line: str) -> None:
    """As the operator does who copies it into a shell."""
    subprocess.run(line, shell=True, check=True)  # noqa: S602 - that is what it is for


@each_place()
def test_what_is_there_is_replaced_by_whoever_says_so_and_the_line_that_is_told_brings_it_back(place: Place) -> None:
    with watched() as shown:
        told = restoring.restore(asked(replace=NAME))
    assert [each for each in shown if "restic" in each], "the tools were seen at work"
    assert secrets_in(shown) == []
    assert place.read() == ["early"]
    assert told["backup"] == place.backup
    if place.store.home:
        run_line(told["undo"])
        assert place.read() == ["early", "late"], "nothing of it was deleted"
        return
    *_, taken, kept = catalogue().read(NAME).of(NAME)
    safety = kept.id
    assert (taken.safety, kept.safety) == (False, True)
    assert told["undo"] == f"enginedge restore {NAME} --backup {safety} --replace {NAME}"
    restoring.restore(asked(backup=safety, replace=NAME))
    assert place.read() == ["early", "late"]


@each_place()
def test_without_the_word_what_is_there_stays(place: Place) -> None:
    before = catalogue().read(NAME).manifests
    with pytest.raises(Misconfigured, match="not empty"):
        restoring.restore(asked())
    assert place.read() == ["early", "late"]
    assert catalogue().read(NAME).manifests == before


@each_place(*DUMPED)
def test_what_cannot_be_dumped_first_stays_unless_that_is_waived(place: Place, monkeypatch: Any) -> None:
    monkeypatch.setattr(type(place.store.source), "dump", _dead)
    with pytest.raises(Unavailable, match=f"its disk is gone.*--without-safety-backup {NAME}"):
        restoring.restore(asked(replace=NAME))
    assert place.read() == ["early", "late"]
    told = restoring.restore(asked(replace=NAME, without_safety_backup=NAME))
    assert place.read() == ["early"]
    assert "cannot be undone" in told["undo"]


@each_place("folder", "buckets")
def test_while_a_backup_of_it_runs_nothing_of_it_is_set_aside_or_replaced(place: Place) -> None:
    with night.alone(NAME), pytest.raises(Unavailable, match="a backup or a restore of it is running"):
        restoring.restore(asked(replace=NAME))
    assert place.read() == ["early", "late"]


@each_place("folder", "buckets")
def test_a_backup_whose_objects_are_lost_costs_nothing_of_what_is_there(place: Place) -> None:
    repository().forget({each.id for each in catalogue().read(NAME).manifest(place.backup).dumped.objects})
    with pytest.raises(Violated, match=f"lacks 1 of the objects of {place.backup}"):
        restoring.restore(asked(backup=place.backup, replace=NAME, without_safety_backup=NAME))
    assert place.read() == ["early", "late"]
    catalogue().remove(catalogue().read(NAME).manifest(place.backup))


@each_place(*DUMPED)
def test_a_restore_that_was_killed_ends_right_when_it_is_repeated(place: Place, monkeypatch: Any) -> None:
    """It is killed before what came out is compared; what it has left may be too torn to be dumped."""
    before = {each.id for each in catalogue().read(NAME).manifests}
    killed = multiprocessing.get_context("fork").Process(target=_killed, args=(place.store,))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    (safety,) = {each.id for each in catalogue().read(NAME).manifests} - before
    with pytest.raises(Misconfigured, match=f"broke off.*--replace {NAME}"):
        restoring.restore(asked(backup=place.backup))
    with monkeypatch.context() as patched:
        patched.setattr(type(place.store.source), "dump", _dead)
        told = restoring.restore(asked(backup=place.backup, replace=NAME))
    assert place.read() == ["early"]
    assert f"--backup {safety} " in told["undo"], "the way back leads to before the first attempt"
    restoring.restore(asked(backup=safety, replace=NAME))
    assert place.read() == ["early", "late"]


def _dead(*_: Any) -> Any:
    raise Unavailable("its disk is gone", where="the suite")


def _killed(store: Store) -> None:
    def killed(*_: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    restoring.compare = killed  # type: ignore[assignment]
    restoring.restore(asked(replace=NAME))


@each_place(*DUMPED)
def test_a_restore_that_was_killed_at_any_moment_is_repeated_and_undone(place: Place) -> None:
    delay_s = _killed_while_it_runs(Random().uniform(0.2, 4))
    told = restoring.restore(asked(backup=place.backup, replace=NAME))
    assert place.read() == ["early"], f"it was killed after {delay_s} s"
    (safety,) = re.findall(r"--backup (\S+)", told["undo"])
    restoring.restore(asked(backup=safety, replace=NAME))
    assert place.read() == ["early", "late"], f"it was killed after {delay_s} s"


def _killed_while_it_runs(delay_s: float) -> float:
    """A restore that is killed after ``delay_s``; one that was through by then is undone, the next killed earlier."""
    process = multiprocessing.get_context("fork").Process(target=_killed_after, args=(delay_s,))
    process.start()
    process.join()
    if process.exitcode == -signal.SIGKILL:
        return delay_s
    assert process.exitcode == 0
    restoring.restore(asked(backup=catalogue().read(NAME).of(NAME)[-1].id, replace=NAME))
    return _killed_while_it_runs(delay_s / 2)


def _killed_after(delay_s: float) -> None:
    timer = threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()
    restoring.restore(asked(replace=NAME))
    os._exit(0)  # at once, since the timer runs on


@each_place("buckets")
def test_where_the_first_place_is_lost_the_way_back_leads_through_the_second(place: Place) -> None:
    copying.copy([NAME])
    told = restoring.restore(asked(backup=place.backup, replace=NAME, location=Location.OFFSITE))
    assert place.read() == ["early"]
    assert told["undo"].endswith(" --from offsite")
    safety = catalogue(Location.OFFSITE).read(NAME).of(NAME)[-1].id
    assert safety not in {each.id for each in catalogue().read(NAME).manifests}
    restoring.restore(asked(backup=safety, replace=NAME, location=Location.OFFSITE))
    assert place.read() == ["early", "late"]


@each_place("folder")
def test_a_folder_is_there_whole_or_not_at_all(place: Place) -> None:
    """What a killed restore has left lies beside the folder, and is made anew."""
    home = place.store.home
    assert home
    left = home.with_name(f".{home.name}.restoring")
    left.mkdir()
    (left / "half").touch()
    restoring.restore(asked(replace=NAME))
    assert place.read() == ["early"]
    assert not left.exists()


@each_place("postgres")
def test_nobody_logs_in_before_what_was_restored_has_been_compared(place: Place, monkeypatch: Any) -> None:
    refused: list[str] = []

    def looked(*_: Any) -> int:
        try:
            place.write("in between")
        except psycopg.OperationalError as failure:
            refused.append(str(failure))
        return compare(*_)

    compare = restoring.compare
    monkeypatch.setattr(restoring, "compare", looked)
    restoring.restore(asked(replace=NAME))
    assert ["not permitted to log in" in each for each in refused] == [True]
    place.write("afterwards")
    assert place.read() == ["afterwards", "early"]
    with place.store.source.server.connected("kept") as connection:
        (comment,) = connection.execute(
            "select shobj_description(oid, 'pg_authid') from pg_roles where rolname = 'writer'"
        ).fetchone()
    assert comment == "it writes"


@each_place("postgres")
def test_a_role_and_a_database_that_were_made_since_are_gone(place: Place) -> None:
    server = place.store.source.server
    with server.connected("postgres") as connection:
        connection.autocommit = True
        connection.execute("create role newcomer; grant newcomer to writer; revoke reader from writer")
        connection.execute("create database newcomers owner newcomer")
    restoring.restore(asked(replace=NAME))
    with server.connected("postgres") as connection:
        names = {name for (name,) in connection.execute("select rolname from pg_roles where rolname !~ '^pg_'")}
        (member,) = connection.execute("select pg_has_role('writer', 'reader', 'member')").fetchone()
    assert names == {"enginedge_drill", "writer", "reader"}
    assert member


@each_place("postgres")
def test_a_spoilt_restore_is_told_with_the_way_back(place: Place, monkeypatch: Any) -> None:
    whole = type(place.store.source).restore

    def spoilt(self: Any, dumped: Any, repository: Any, to: Any) -> None:
        whole(self, dumped, repository, to)
        with to.connected("kept") as connection:
            connection.execute("update mine.said set what = 'Early'")

    monkeypatch.setattr(type(place.store.source), "restore", spoilt)
    with pytest.raises(Violated, match=r"kept mine.said is .*to go back to what was there: enginedge restore"):
        restoring.restore(asked(replace=NAME))


@each_place("buckets")
def test_a_plan_says_what_is_replaced_how_long_it_takes_and_the_way_back_and_touches_nothing(place: Place) -> None:
    manifest = catalogue().read(NAME).manifest(place.backup)
    told = plan(asked())
    assert told.present == (BUCKET,)
    assert told.restore_s is None or told.restore_s > 0
    assert told.safety_s == manifest.duration_s
    assert f"--replace {NAME}" in str(told)
    assert place.read() == ["early", "late"]


def test_the_time_is_foretold_from_the_last_drill_in_proportion_to_the_bytes() -> None:
    operations.back_up_store("etcd")
    found = catalogue().read("etcd")
    newest = found.of("etcd")[-1]
    half = replace(
        newest, id="half", dumped=replace(newest.dumped, objects=(replace(newest.dumped.objects[0], bytes_in=500),))
    )
    report = DrillReport("etcd", "half", newest.taken_at, 3.0, 9.0, 1)
    known = replace(found, manifests=(half, newest), drills=(report,))
    assert foretold_s(known, half) == 3.0
    assert foretold_s(known, newest) == pytest.approx(3.0 * newest.bytes_in / 500)
    assert foretold_s(replace(known, drills=()), newest) is None


@pytest.mark.parametrize("option", ["--replace", "--without-safety-backup"])
def test_a_word_that_is_not_the_stores_name_is_none(option: str) -> None:
    ended = enginedge("restore", "mongodb", option, "yes", check=False)
    assert ended.returncode == 2
    assert "'yes' is not the store to be restored" in ended.stderr
    assert "say mongodb" in ended.stderr


def test_a_running_service_keeps_its_folder() -> None:
    operations.back_up_store("etcd")
    with pytest.raises(Misconfigured, match=r"running on the folder.*stack stop etcd"):
        restoring.restore(Request("etcd", replace="etcd"))


def test_etcd_is_restored_into_a_folder_and_what_was_there_is_set_aside(tmp_path: Path) -> None:
    operations.back_up_store("etcd")
    ran = [enginedge("restore", "etcd", "--folder", str(tmp_path / "etcd"), "--json", *words)
           for words in ((), ("--replace", "etcd"))]  # fmt: skip
    assert (tmp_path / "etcd" / "member").is_dir()
    (row,) = json.loads(ran[1].stdout)
    (aside,) = tmp_path.glob("etcd.before-*")
    before = sorted(str(path.relative_to(aside)) for path in aside.rglob("*"))
    run_line(row["undo"])
    assert sorted(str(path.relative_to(tmp_path / "etcd")) for path in (tmp_path / "etcd").rglob("*")) == before
    assert (tmp_path / "etcd.undone" / "member").is_dir(), "nor is what was restored deleted"
    with pytest.raises(Misconfigured, match="not empty"):
        restoring.restore(Request("etcd", folder=tmp_path / "etcd"))


def test_without_arguments_it_asks_for_everything_and_foretells(tmp_path: Path) -> None:
    id_ = operations.back_up_store("etcd")["id"]
    operations.drill_store("etcd", id_)
    answers = ["etcd", "", "", str(tmp_path / "etcd"), "y"]
    ended = CliRunner().invoke(app, ["restore"], input="\n".join(answers) + "\n", catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    assert f"Restore etcd from {id_}" in ended.output
    assert "as its last drill did" in ended.output
    assert (tmp_path / "etcd" / "member").is_dir()
    ended = CliRunner().invoke(app, ["restore"], input="\n".join(answers) + "\n")
    assert isinstance(ended.exception, EnginEdgeError), "a yes is not the store's name"
