"""The dead man's switch on the real stores, with no Airflow anywhere: what never ran is noticed, and told once."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from enginedge.backup import copying, operations, weekly
from enginedge.backup.catalogue import catalogue
from enginedge.backup.watch import Watch
from enginedge.private_files import write_private
from enginedge.settings import settings
from tests.backup.new_store import NEW_STORE, with_a_new_store
from tests.notify.receivers import Posts, webhook_receiver

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("running_stores")]
MOST_MIB = 80


@pytest.fixture(scope="module")
def taken(running_stores: None) -> dict[str, Any]:
    """etcd's backup, proved and copied, as a good night and a good Sunday leave it."""
    row = operations.back_up_store("etcd")
    operations.drill_store("etcd")
    copying.copy(["etcd"])
    return row


@pytest.fixture
def posts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Posts]:
    """Who is told, and who is asked for a sign of life, in the same place."""
    with webhook_receiver() as seen:
        for name in ("NOTIFY_WEBHOOK", "DEADMAN_PING"):
            write_private(tmp_path / name, seen.url if name.startswith("NOTIFY") else seen.url.replace("hook", "ping"))
            monkeypatch.setenv(f"ENGINEDGE_{name}_FILE", str(tmp_path / name))
        monkeypatch.setenv("ENGINEDGE_METRICS", str(tmp_path / "metrics"))
        yield seen


def pings(posts: Posts) -> int:
    return sum(each.startswith("GET /ping/") for each in posts.asked)


def later(**passed: float) -> Any:
    return lambda: datetime.now(UTC) + timedelta(**passed)


@pytest.mark.usefixtures("taken")
def test_while_all_is_well_nobody_is_told_and_a_sign_of_life_is_given(
    posts: Posts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(tmp_path / "told.json", ["etcd"])
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            watch.look()
    assert "of-nobody-else" not in caplog.text
    assert posts.documents == []
    assert pings(posts) == 2


@pytest.mark.usefixtures("taken")
def test_a_night_that_never_ran_is_told_once_and_so_is_the_one_that_did(posts: Posts, tmp_path: Path) -> None:
    memory = tmp_path / "told.json"
    Watch(memory, ["etcd"], clock=later(hours=25)).look()
    assert posts.documents == []
    alive = pings(posts)
    for _ in range(3):  # three processes, as if it had been killed in between
        Watch(memory, ["etcd"], clock=later(hours=27)).look()
    (told,) = posts.documents
    assert told["kind"] == "overdue"
    assert told["subject"] == "backups miss their objectives: etcd (rpo-missed)"
    assert "run `enginedge backup now --store etcd`" in told["text"]
    assert pings(posts) == alive, "no sign of life while something is wrong"
    operations.back_up_store("etcd")
    for _ in range(2):
        Watch(memory, ["etcd"]).look()
    assert posts.subjects()[1:] == ["backups keep their objectives again: etcd (rpo-missed)"]
    assert pings(posts) == alive + 2


@pytest.mark.usefixtures("taken")
def test_a_proof_that_is_too_old_is_told(posts: Posts, tmp_path: Path) -> None:
    Watch(tmp_path / "told.json", ["etcd"], clock=later(days=9)).look()
    (told,) = posts.documents
    assert "etcd (verification-stale)" in told["subject"]


@pytest.mark.usefixtures("taken")
def test_a_channel_that_failed_is_told_at_the_next_look_and_the_others_not_twice(
    posts: Posts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts.statuses = [404]
    watch = Watch(tmp_path / "told.json", ["etcd"], clock=later(hours=27))
    for _ in range(3):
        watch.look()
    assert posts.subjects() == ["backups miss their objectives: etcd (rpo-missed)"]
    assert [each.rpartition(" ")[2] for each in posts.asked] == ["404", "200"]


@pytest.mark.usefixtures("taken")
def test_a_catalogue_that_is_away_for_a_moment_is_no_news_and_one_that_stays_away_is(
    posts: Posts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(tmp_path / "told.json", ["etcd"])
    with monkeypatch.context() as patched:
        patched.setenv("ENGINEDGE_PORT_MINIO", "1")
        for _ in range(2):
            watch.look()
        assert posts.documents == []
        for _ in range(2):
            watch.look()
    assert posts.subjects() == ["backups miss their objectives: catalogue (catalogue-unknown)"]
    assert pings(posts) == 0
    watch.look()
    assert posts.documents[-1]["kind"] == "recovered"


@pytest.mark.usefixtures("taken")
def test_the_service_tells_of_a_store_that_never_had_a_backup_serves_its_numbers_and_stays_small(
    posts: Posts, tmp_path: Path
) -> None:
    """A process of its own, as on a stack whose Airflow is down."""
    port = str(settings().endpoint("backup-watch").port + 1)
    here = {"ENGINEDGE_ROOT": str(with_a_new_store(tmp_path)), "ENGINEDGE_STATE": str(tmp_path / "state")}
    argv = [sys.executable, "-m", "enginedge.backup.watch", "1"]
    service = subprocess.Popen(argv, env={**os.environ, **here, "ENGINEDGE_PORT_BACKUP_WATCH": port})
    try:
        until = time.monotonic() + 60
        while not posts.documents and time.monotonic() < until:
            time.sleep(0.2)
        served = httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text
        rollup = Path(f"/proc/{service.pid}/smaps_rollup").read_text()
    finally:
        service.terminate()
        service.wait()
    assert f"{NEW_STORE} (rpo-missed): there is no backup of it." in posts.documents[0]["text"]
    assert pings(posts) == 0
    families = {each.name: each for each in text_string_to_metric_families(served)}
    taken = {each.labels["store"] for each in families["enginedge_backup_taken_timestamp_seconds"].samples}
    assert "etcd" in taken
    assert NEW_STORE not in taken
    pss = int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) / 1024
    assert pss < MOST_MIB


@pytest.mark.usefixtures("taken")
def test_the_weekly_word_tells_what_the_drills_proved(posts: Posts, taken: dict[str, Any]) -> None:
    assert weekly.tell_proved(datetime.now(UTC) - timedelta(hours=1)) == 1
    (told,) = posts.documents
    assert told["kind"] == "proved"
    (line,) = [each for each in told["text"].splitlines() if each.startswith("etcd: ")]
    assert "NOT PROVED" not in line
    manifest = catalogue().read("etcd").manifests[-1]
    assert f" {len(manifest.dumped.fingerprint.parts)} parts equal" in line
