"""Submitting an application: what it is told, what it tells, and that nothing of it outlives its submitter.

The real ``spark.py`` runs; ``spark-submit`` and the master's page are stand-ins that a test can let fail.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from enginedge.errors import Misconfigured, Unavailable, Violated
from enginedge.lake import spark
from enginedge.lake.class_archive import class_archive
from enginedge.settings import settings
from spark_jobs import run as spark_job
from tests.installation import ROOT

DONE = {"table": "core.x", "step": "done", "raw": 1}
TOOLS: dict[str, str] = {}
SERVICES = ("SPARK_MASTER", "METASTORE", "MONGODB")


class Services(BaseHTTPRequestHandler):
    """The master's page, which says how many workers are alive, and a store, which may refuse with a code."""

    workers = 1
    refusal = ""

    def do_GET(self) -> None:
        body = json.dumps({"aliveworkers": type(self).workers}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.send_response_only(100)  # for which the client would wait a second
        self.end_headers()
        self.rfile.read(int(self.headers["Content-Length"]))
        code = type(self).refusal
        body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode() if code else b""
        self.send_response(400 if code else 200)
        self.send_header("ETag", '"written"')
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder, services that answer, and a spark-submit that a test writes."""
    Services.workers, Services.refusal = 1, ""
    page = HTTPServer(("127.0.0.1", 0), Services)
    threading.Thread(target=page.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    ports = [socket.create_server(("127.0.0.1", 0)) for _ in SERVICES]
    for service, port in zip(SERVICES, ports, strict=True):
        monkeypatch.setenv(f"ENGINEDGE_PORT_{service}", str(port.getsockname()[1]))
    for service in ("SPARK_MASTER_UI", "MINIO"):
        monkeypatch.setenv(f"ENGINEDGE_PORT_{service}", str(page.server_port))
    monkeypatch.setenv("ENGINEDGE_SECRETS", str(tmp_path))
    (tmp_path / "minio-lake").touch(mode=0o600)
    (tmp_path / "minio-lake").write_text("a password of the store")
    monkeypatch.setenv("ENGINEDGE_STATE", str(tmp_path))
    monkeypatch.setenv("SOMEBODYS_PASSWORD", "hunter2")
    monkeypatch.setattr(spark, "WATCH_EVERY_S", 0.05)
    (tmp_path / "bin").mkdir()
    (tmp_path / "classes").mkdir()
    tools = {"spark_home": "", "spark_jars": "jars", "spark_classes": "classes", "java17_home": ""}
    for tool, place in tools.items():
        monkeypatch.setitem(TOOLS, tool, str(tmp_path / place))
    for name in ("release", "conf/spark/spark-defaults.conf", "conf/spark/configuration.jar"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "conf" / "spark" / "spark-defaults.conf").write_text("spark.driver.defaultJavaOptions -Xint\n")
    (tmp_path / "toolchain.json").write_text(json.dumps(TOOLS))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()
    page.shutdown()
    page.server_close()
    for port in ports:
        port.close()


def spark_submit(installation: Path, script: str) -> None:
    path = installation / "bin" / "spark-submit"
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


def says(*lines: dict[str, Any]) -> str:
    return "\n".join(f"echo 'enginedge {json.dumps(line)}'" for line in lines)


def submit(**changed: Any) -> list[dict[str, Any]]:
    return spark.submit(**{"source": "mongodb", "night": "2026-11-23", "run": "r", "full_refresh": False, **changed})


def test_what_the_application_says_is_told_and_the_rest_goes_to_its_log(installation: Path) -> None:
    started = {"table": "mongodb", "step": "started", "application": "app-1"}
    spark_submit(installation, f"echo noise; echo more >&2\n{says(started, DONE)}")
    told: list[dict[str, Any]] = []
    assert submit(tell=told.append) == [{**DONE, "application": "app-1", "run": "r"}]
    assert told == [started, DONE]
    (log,) = (installation / "log" / "spark").iterdir()
    assert {"noise", "more"} <= set(log.read_text().splitlines())


def test_argv_and_environment_hold_no_secret_and_the_properties_are_its_owners_alone(installation: Path) -> None:
    spark_submit(installation, f'printf "%s\\n" "$@" > "$ENGINEDGE_STATE/argv"; env > "$ENGINEDGE_STATE/env"\n'
                               f'cp -p "$2" "$ENGINEDGE_STATE/properties"\n{says(DONE)}')  # fmt: skip
    submit(full_refresh=True)
    argv = (installation / "argv").read_text().splitlines()
    assert argv[0] == "--properties-file"
    assert argv[-4:] == ["--source=mongodb", "--night=2026-11-23", "--run=r", "--full-refresh"]
    assert "hunter2" not in (installation / "env").read_text()
    properties = installation / "properties"
    assert stat.S_IMODE(properties.stat().st_mode) == 0o600
    assert "spark.app.name mongodb.2026-11-23\n" in properties.read_text()
    assert list((installation / "run" / "spark").iterdir()) == [], "the properties are gone when the application is"


def test_what_an_application_wrote_aside_is_gone_also_when_it_was_killed(installation: Path) -> None:
    spark_submit(installation, 'cp "$2" "$ENGINEDGE_STATE/properties"; echo rows > "$TMPDIR/blockmgr"; kill -9 $$')
    with pytest.raises(Unavailable, match="ended by signal 9"):
        submit()
    work = installation / "run" / "spark-work"
    assert f"-Djava.io.tmpdir={work}/mongodb.2026-11-23." in (installation / "properties").read_text()
    assert list(work.iterdir()) == []


def test_a_run_that_is_called_like_an_option_is_still_a_run(installation: Path) -> None:
    spark_submit(installation, f'printf "%s\\n" "$@" > "$ENGINEDGE_STATE/argv"\n{says(DONE)}')
    submit(run="--table")
    asked = spark_job._asked((installation / "argv").read_text().splitlines()[-3:])
    assert (asked.source, asked.night, asked.run, asked.table) == ("mongodb", "2026-11-23", "--table", [])


def test_what_is_left_of_attempts_long_ago_is_removed(installation: Path) -> None:
    spark_submit(installation, says(DONE))
    left = [installation / part / "spark" / name for part in ("log", "run") for name in ("old", "young")]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        days = spark.KEPT_DAYS + (1 if path.name == "old" else -1)
        os.utime(path, (time.time() - days * 86_400,) * 2)
    submit()
    assert [path.exists() for path in left] == [False, True, False, True]


def test_the_parent_run_is_handed_on(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", "airflow/refresh_lake.mongodb/0190-run")
    spark_submit(installation, f'cp "$2" "$ENGINEDGE_STATE/properties"\n{says(DONE)}')
    submit()
    properties = (installation / "properties").read_text()
    assert "spark.openlineage.parentJobName refresh_lake.mongodb\n" in properties
    assert "spark.openlineage.parentRunId 0190-run\n" in properties


RECORDS = (
    'grep -o "ArchiveClassesAtExit=[^ ]*" "$2" | cut -d= -f2 | xargs -r touch\ncp "$2" "$ENGINEDGE_STATE/properties"'
)


def recorded_classes(installation: Path) -> list[str]:
    """The archives of classes and the parts of such, by their suffix."""
    return sorted(path.suffix for path in (installation / "classes").iterdir())


def test_the_first_application_that_ends_well_records_its_classes_and_the_next_starts_from_them(
    installation: Path,
) -> None:
    spark_submit(installation, f"{RECORDS}\nexit 1")
    with pytest.raises(Violated):
        submit()
    assert recorded_classes(installation) == []
    spark_submit(installation, f"{RECORDS}\n{says(DONE)}")
    submit()
    assert recorded_classes(installation) == [".jsa"]
    submit()
    (archive,) = (installation / "classes").iterdir()
    told = dict(line.split(" ", 1) for line in (installation / "properties").read_text().splitlines())
    assert told["spark.driver.defaultJavaOptions"].startswith(f"-Xint -XX:SharedArchiveFile={archive} ")
    assert told["spark.executor.defaultJavaOptions"].startswith(f"-XX:SharedArchiveFile={archive} ")


def test_while_one_application_records_another_starts_without_classes(installation: Path) -> None:
    with class_archive("the first") as options:
        assert "-XX:ArchiveClassesAtExit=" in options["driver"]
        spark_submit(installation, f"{RECORDS}\n{says(DONE)}")
        submit()
        told = (installation / "properties").read_text()
        assert "ArchiveClassesAtExit" not in told
        assert "SharedArchiveFile" not in told
    assert recorded_classes(installation) == []
    submit()
    assert recorded_classes(installation) == [".jsa"]


def test_another_java_or_other_jars_are_recorded_for_themselves(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark_submit(installation, f"{RECORDS}\n{says(DONE)}")
    submit()
    (installation / "release").write_text("another Java")
    submit()
    assert recorded_classes(installation) == [".jsa", ".jsa"]
    monkeypatch.setitem(TOOLS, "spark_jars", str(installation / "others"))
    (installation / "toolchain.json").write_text(json.dumps(TOOLS))
    settings.cache_clear()
    submit()
    assert recorded_classes(installation) == [".jsa", ".jsa", ".jsa"]


def test_an_archive_that_nobody_has_used_for_weeks_is_removed_and_one_that_is_used_is_kept(installation: Path) -> None:
    spark_submit(installation, f"{RECORDS}\n{says(DONE)}")
    submit()
    (used,) = (installation / "classes").iterdir()
    unused = used.with_name("unused.jsa")
    long_ago = time.time() - 46 * 86_400
    for archive in (used, unused):
        archive.touch()
        os.utime(archive, (long_ago, long_ago))
    submit()
    (installation / "release").write_text("another Java")
    submit()
    assert used.exists()
    assert not unused.exists()


@pytest.mark.parametrize("kind", [Violated, Misconfigured, Unavailable])
def test_a_table_that_failed_is_named_with_its_rule(installation: Path, kind: type[Exception]) -> None:
    failed = {"table": "core.y", "step": "failed", "kind": kind.__name__, "what": "the rule one_of:stage is broken",
              "where": "core.y", "remedy": "mend it", "untouched": "main"}  # fmt: skip
    spark_submit(installation, f"{says(DONE, failed)}\nexit 1")
    with pytest.raises(kind, match=r"core\.y: the rule one_of:stage is broken.*published: core\.x.*mend it"):
        submit()


def test_an_application_that_dies_says_its_last_lines(installation: Path) -> None:
    spark_submit(
        installation, "echo '\tat some.stack.Frame' >&2; echo 'Connection refused: 127.0.0.1:9083' >&2; exit 1"
    )
    with pytest.raises(Unavailable, match="Connection refused"):
        submit()


@pytest.mark.parametrize("service", ["spark-master", "metastore", "minio", "mongodb"])
def test_a_service_that_is_stopped_is_named_before_anything_starts(
    installation: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv(f"ENGINEDGE_PORT_{service.upper().replace('-', '_')}", "1")
    spark_submit(installation, 'touch "$ENGINEDGE_STATE/started"')
    with pytest.raises(Unavailable, match=f"{service} does not answer"):
        submit()
    assert not (installation / "started").exists()


@pytest.mark.parametrize(
    ("code", "kind", "what"),
    [
        ("SignatureDoesNotMatch", Misconfigured, "minio refused us.*the secret minio-lake"),
        ("XMinioAdminBucketQuotaExceeded", Unavailable, "a bucket of minio has used up its quota"),
        ("XMinioStorageFull", Unavailable, "the disk under minio is full"),
    ],
)
def test_a_store_that_takes_no_write_is_named_before_anything_starts(
    installation: Path, code: str, kind: type[Exception], what: str
) -> None:
    Services.refusal = code
    spark_submit(installation, 'touch "$ENGINEDGE_STATE/started"')
    with pytest.raises(kind, match=what):
        submit()
    assert not (installation / "started").exists()


def test_a_master_without_workers_is_told(installation: Path) -> None:
    Services.workers = 0
    with pytest.raises(Unavailable, match="no worker that is alive"):
        submit()


def test_a_worker_that_disappears_ends_the_application(installation: Path) -> None:
    spark_submit(installation, f"{says({'table': 'mongodb', 'step': 'started', 'application': 'app-1'})}\nsleep 300")

    def then(_: dict[str, Any]) -> None:
        Services.workers = 0

    began = time.monotonic()
    with pytest.raises(Unavailable, match="spark-worker does not answer"):
        submit(tell=then)
    assert time.monotonic() - began < 30


def test_an_unknown_source_is_refused(installation: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no source 'mysql'"):
        submit(source="mysql")


def test_stopping_ends_the_whole_process_group(installation: Path) -> None:
    spark_submit(installation, f'sleep 300 & echo $! > "$ENGINEDGE_STATE/child"\n{says(DONE)}\nwait')
    with pytest.raises(Unavailable):
        submit(tell=lambda _: spark.stop())
    assert _gone(int((installation / "child").read_text()))


def test_an_interrupted_submitter_ends_its_application(installation: Path) -> None:
    spark_submit(installation, f'echo $$ > "$ENGINEDGE_STATE/child"\n{says(DONE)}\nsleep 300')

    def interrupt(_: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        submit(tell=interrupt)
    assert _gone(int((installation / "child").read_text()))


def test_a_killed_submitter_takes_its_application_along(installation: Path) -> None:
    spark_submit(installation, f'echo $$ > "$ENGINEDGE_STATE/child"\n{says(DONE)}\nexec sleep 300')
    program = "from enginedge.lake import spark; spark.submit('mongodb', '2026-11-23', 'r', False)"
    submitter = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=dict(os.environ))
    child = installation / "child"
    deadline = time.monotonic() + 30
    while not (child.exists() and child.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    submitter.send_signal(signal.SIGKILL)
    submitter.wait()
    assert _gone(int(child.read_text()))


def _gone(pid: int) -> bool:
    """Whether the process ends within five seconds; one that only waits to be collected is gone."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False
