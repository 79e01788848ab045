"""Every line of the spool is stored once, whatever happens in between."""

from __future__ import annotations

import json
import os
import random
import shutil
import string
import time
from pathlib import Path

import pytest

from enginedge.errors import Unavailable
from enginedge.lineage.database import Database
from enginedge.lineage.spool import Spool
from tests.lineage.conftest import NAMES
from tests.lineage.events import MARKS, body, dataset, run_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path, database: Database) -> Spool:
    folder.mkdir()
    return Spool(folder, database, NAMES)


def again(spool: Spool) -> Spool:
    """The spool after the relay was started again: nothing is remembered but what PostgreSQL holds."""
    return Spool(spool.folder, spool.database, NAMES)


def line(run: str, kind: str = "COMPLETE") -> str:
    return json.dumps(body(kind, run)) + "\n"


def stored(database: Database) -> int:
    with database.reading() as connection:
        found = connection.execute("select count(*) as n from event").fetchone()
    return found["n"] if found else 0


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_line_is_read_once_however_often_the_relay_starts(spool: Spool, folder: Path) -> None:
    (folder / "spark.ndjson").write_text(line("a") + line("b"))
    assert spool.read() == 2
    assert again(spool).read() == 0
    with (folder / "spark.ndjson").open("a") as file:
        file.write(line("c"))
    assert again(spool).read() == 1
    assert stored(spool.database) == 3


def test_half_a_line_waits_for_its_other_half(spool: Spool, folder: Path) -> None:
    whole = line("a")
    (folder / "spark.ndjson").write_text(line("z") + whole[:40])
    assert spool.read() == 1
    with (folder / "spark.ndjson").open("a") as file:
        file.write(whole[40:])
    assert spool.read() == 1


def test_a_last_line_without_an_end_is_taken_when_the_file_has_come_to_rest(spool: Spool, folder: Path) -> None:
    (folder / "a.json").write_text(line("a").rstrip())
    (folder / "torn.json").write_text(line("b")[:50])
    assert spool.read() == 0
    age(folder / "a.json", 120)
    age(folder / "torn.json", 120)
    assert spool.read() == 1
    assert len(list((folder / "rejected").iterdir())) == 1


def test_a_line_that_is_no_event_is_set_aside_with_its_reason_and_the_rest_is_read(spool: Spool, folder: Path) -> None:
    (folder / "x.ndjson").write_text(line("a") + "{broken\n" + '{"eventTime": "2026-11-24T09:00:00Z"}\n\n' + line("b"))
    assert spool.read() == 2
    told = sorted(
        (json.loads(file.read_text()) for file in (folder / "rejected").iterdir()), key=lambda one: one["line"]
    )
    assert [(one["origin"], one["line"]) for one in told] == [("x.ndjson", 2), ("x.ndjson", 3)]
    assert "not JSON" in told[0]["reason"]
    assert "run must not be null" in told[1]["reason"]
    assert again(spool).read() == 0


def test_a_value_that_postgres_refuses_does_not_keep_its_file_back(spool: Spool, folder: Path) -> None:
    huge = json.loads(line("x")) | {"eventTime": "9999-12-31T23:59:59Z"}
    huge["run"]["facets"] = {"nominalTime": {**MARKS, "nominalStartTime": "0001-01-01T00:00:00+14:00"}}
    beyond = json.loads(line("y")) | {"eventTime": "0001-01-01T00:00:00+14:00"}
    odd = json.loads(line("z")) | {
        "outputs": [dataset("core.x", columnLineage={**MARKS, "fields": {"a": {"inputFields": None}}})]
    }
    (folder / "x.ndjson").write_text("".join(json.dumps(each) + "\n" for each in (huge, beyond, odd)) + line("b"))
    spool.read()
    assert again(spool).read() == 0
    with spool.database.reading() as connection:
        assert connection.execute("select 1 from run where id = %s", [run_of("b")]).fetchone()


def test_a_name_too_long_for_an_index_does_not_keep_its_file_back(spool: Spool, folder: Path) -> None:
    long = "".join(random.Random(7).choices(string.ascii_letters, k=9000))
    named = json.loads(line("x"))
    named["job"]["name"] = long
    told_of = json.loads(line("y")) | {"outputs": [dataset(f"core.{long}")]}
    (folder / "x.ndjson").write_text("".join(json.dumps(each) + "\n" for each in (named, told_of)) + line("b"))
    assert spool.read() == 1
    assert len(list((folder / "rejected").iterdir())) == 2


def test_a_file_may_be_called_anything(spool: Spool, folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.ndjson")).write_text(line("a") + "{broken\n")
    assert spool.read() == 1
    assert len(list((folder / "rejected").iterdir())) == 1


def test_a_login_in_a_line_that_was_set_aside_is_not_kept(spool: Spool, folder: Path) -> None:
    (folder / "x.ndjson").write_text('{"broken": "postgres://bob:s3cret@db"\n')
    spool.read()
    (aside,) = (folder / "rejected").iterdir()
    assert "s3cret" not in aside.read_text()


def test_the_reader_outlives_what_it_did_not_expect(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enginedge.lineage.spool.POLL_S", 0.01)
    real = spool.read
    failures = iter([RuntimeError("unheard of")])

    def read() -> int:
        for failure in failures:
            raise failure
        return real()

    spool.read = read  # type: ignore[method-assign]
    (folder / "a.ndjson").write_text(line("a"))
    with spool.running():
        until = time.monotonic() + 20
        while not stored(spool.database) and time.monotonic() < until:
            time.sleep(0.05)
    assert stored(spool.database) == 1


def test_what_is_spooled_while_postgres_is_down_is_read_when_it_is_back(
    spool: Spool, folder: Path, nowhere: Database
) -> None:
    (folder / "a.ndjson").write_text(line("a"))
    with pytest.raises(Unavailable):
        Spool(folder, nowhere, NAMES).read()
    assert spool.read() == 1


def test_an_inode_that_is_used_again_is_another_file(spool: Spool, folder: Path) -> None:
    path = folder / "a.ndjson"
    path.write_text(line("a") + line("b"))
    assert spool.read() == 2
    with path.open("r+") as file:
        file.truncate()
        file.write(line("c", "START"))
    assert again(spool).read() == 1


def test_a_file_at_rest_is_archived_read_on_and_at_last_removed(spool: Spool, folder: Path) -> None:
    path = folder / "a.ndjson"
    path.write_text(line("a"))
    writer = path.open("a")
    age(path, 700)
    assert spool.read() == 1
    assert not path.exists()
    writer.write(line("late"))
    writer.close()
    assert spool.read() == 1
    (archived,) = (folder / "archive").iterdir()
    age(archived, 4000)
    spool.read()
    assert not archived.exists()
    assert stored(spool.database) == 2


def test_events_are_stored_in_the_order_they_were_written_across_files(spool: Spool, folder: Path) -> None:
    (folder / "b-first.json").write_text(line("r", "START"))
    age(folder / "b-first.json", 10)
    (folder / "a-second.json").write_text(line("r", "COMPLETE"))
    assert spool.read() == 2
    with spool.database.reading() as connection:
        kinds = [row["event_type"] for row in connection.execute("select event_type from event order by id")]
    assert kinds == ["START", "COMPLETE"]


def test_a_relay_that_is_killed_between_two_batches_loses_and_doubles_nothing(spool: Spool, folder: Path) -> None:
    (folder / "big.ndjson").write_text("".join(line(f"run-{n}") for n in range(300)))
    real = spool._take
    taken = 0

    def dies(*arguments: object) -> int:
        nonlocal taken
        taken += 1
        if taken == 200:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    spool._take = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        spool.read()
    again(spool).read()
    assert stored(spool.database) == 300


def test_a_folder_that_is_gone_is_made_again(spool: Spool, folder: Path) -> None:
    shutil.rmtree(folder)
    assert spool.read() == 0
    assert folder.is_dir()
