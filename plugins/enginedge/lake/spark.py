"""Submits one source's night to Spark and follows it: spark-submit in client mode, tied to the life of its submitter.

Everything that is secret stays in files that only the owner reads; argv shows names and paths. The application's name
is ``<source>.<night>``, so that it is found again in the master's list. What it prints as progress is told to the
caller; everything else goes to a log file. A master or worker that disappears ends the run within seconds: Spark itself
would wait for minutes, or for ever.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated, full_disks_named
from enginedge.lake import spark_master
from enginedge.lake.class_archive import class_archive, configuration_jar
from enginedge.lake.failures import named
from enginedge.old_files import remove_old_files
from enginedge.passing_folders import passing_folder
from enginedge.settings import settings
from enginedge.shell import end_group, start_tied

MARK = "enginedge "
LAST_LINES = 15
WATCH_EVERY_S = 4.0
KEPT_DAYS = 60
KINDS: Mapping[str, type[EnginEdgeError]] = {each.__name__: each for each in (Misconfigured, Unavailable, Violated)}

Tell = Callable[[dict[str, Any]], None]
log = logging.getLogger(__name__)
_running: dict[int, subprocess.Popen[str]] = {}


@dataclass
class Said:
    """What one application said so far, and why it was given up, if it was."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    given_up: EnginEdgeError | None = None

    def of(self, step: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("step") == step]


def submit(source: str, night: str, run: str, full_refresh: bool, tell: Tell | None = None) -> list[dict[str, Any]]:
    """Run the night of ``source`` to its end and return the facts of each of its tables.

    Raises:
        Unavailable: Spark, or a store that the application needs, does not answer.
        Misconfigured: a contract, a secret or a store's configuration is wrong.
        Violated: a table broke its contract or its counts; the message names table and rule.
    """
    spark_master.check(source)
    name = f"{source}.{night}"
    attempt = f"{name}.{uuid.uuid4().hex[:8]}"
    log_path = settings().state / "log" / "spark" / f"{attempt}.log"
    asked = [f"--source={source}", f"--night={night}", f"--run={run}", *(["--full-refresh"] if full_refresh else [])]
    with (
        full_disks_named(str(log_path)),
        passing_folder(settings().state / "run" / "spark-work", attempt) as work,  # a killed one leaves rows behind
        class_archive(attempt) as java_options,
        _properties(name, attempt, java_options, work) as properties,
    ):
        for folder in (_folder(log_path.parent), properties.parent):
            remove_old_files(folder, KEPT_DAYS)  # the properties are what killed submitters left
        with log_path.open("w", buffering=1) as journal:
            process = start_tied(
                _command(properties, asked), environment=_environment(work), stdout=subprocess.PIPE, stderr=journal
            )
            said = _follow(process, journal, tell or _relay)
        if process.returncode or said.given_up or said.of("failed"):
            raise _failure(name, said, log_path, process.returncode)
    application = next((line["application"] for line in said.of("started")), "")
    return [{**line, "application": application, "run": line.get("run", run)} for line in said.of("done")]


def stop() -> None:
    """End every application that this process submitted, each with all of its processes."""
    for pid in list(_running):
        end_group(pid, signal.SIGKILL)


def _follow(process: subprocess.Popen[str], journal: TextIO, tell: Tell) -> Said:
    """Read what the application says until it ends; whatever interrupts that ends the application first."""
    said = Said()
    _running[process.pid] = process
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, said, over), daemon=True)
    watch.start()
    try:
        for line in process.stdout or ():
            journal.write(line)
            if line.startswith(MARK):
                facts = json.loads(line[len(MARK) :])
                said.lines.append(facts)
                tell(facts)
        process.wait()
    finally:
        over.set()
        end_group(process.pid)
        process.wait()
        if process.stdout:
            process.stdout.close()
        _running.pop(process.pid, None)
    return said


def _watch(group: int, said: Said, over: threading.Event) -> None:
    """Give the application up when the master, or its last worker, is gone for three looks in a row."""
    missed = 0
    while not over.wait(WATCH_EVERY_S):
        failure = spark_master.failure()
        missed = missed + 1 if failure else 0
        if failure and missed >= 3:
            said.given_up = failure
            end_group(group)
            return


def _failure(name: str, said: Said, log_path: Path, ended_with: int) -> EnginEdgeError:
    """The failure of the application: what its tables said, or else what its log says last."""
    if said.given_up:
        return said.given_up
    failed = said.of("failed")
    if not failed and (number := signal_of(ended_with)):
        return Unavailable(
            f"the application was ended by signal {number}",
            where=name,
            untouched="main of every table that is not published yet",
            remedy=f"run the night again; its log is {log_path}",
        )
    if not failed:
        last = _last_lines(log_path)
        seen = named(RuntimeError(last), name)
        return type(seen)(
            f"the application ended before its tables did, saying last: {last[-1500:]}",
            where=name,
            untouched=seen.untouched,
            remedy=f"{seen.remedy}; its log is {log_path}",
        )
    kind = next(
        KINDS[each] for each in ("Violated", "Misconfigured", "Unavailable") if each in {f["kind"] for f in failed}
    )
    told = " ".join(f"{each['table']}: {each['what']} ({each['where']})" for each in failed)
    remedies = sorted({each["remedy"] for each in failed if each["remedy"]})
    published = [each["table"] for each in said.of("done")]
    return kind(
        told,
        where=name,
        untouched=f"main of these tables; published: {', '.join(published) or 'none'}",
        remedy="; ".join([*remedies, f"its log is {log_path}"]),
    )


def signal_of(ended_with: int) -> int:
    """The signal that ended a process, or the driver beneath spark-submit, which says 128 more; 0 where none did."""
    return -ended_with if ended_with < 0 else max(0, ended_with - 128)


def _last_lines(path: Path) -> str:
    """The last lines of the log that say something: no stack frames."""
    lines = [
        line for line in path.read_text(errors="replace").splitlines() if line.strip() and not line.startswith("\tat ")
    ]
    return "\n".join(lines[-LAST_LINES:])


def _command(properties: Path, asked: list[str]) -> list[str]:
    home = Path(settings().toolchain()["spark_home"])
    script = settings().root / "spark_jobs" / "run.py"
    return [
        str(home / "bin" / "spark-submit"),
        "--properties-file",
        str(properties),
        str(script),
        *asked,
    ]


@contextmanager
def _properties(name: str, attempt: str, java_options: dict[str, str], work: Path) -> Iterator[Path]:
    """The installation's properties and the application's own: its name, its size, where its lineage goes.

    The file is there inside the ``with``.
    """
    defaults = _defaults()
    java_options = {**java_options, "driver": f"{java_options.get('driver', '')} -Djava.io.tmpdir={work}"}
    spool = _folder(settings().spool) / f"spark.{attempt}.ndjson"
    values = {
        **defaults,
        **{
            key: f"{defaults.get(key, '')} {options}".strip()
            for role, options in java_options.items()
            if (key := f"spark.{role}.defaultJavaOptions")
        },
        "spark.app.name": name,
        "spark.master": f"spark://{settings().endpoint('spark-master')}",
        "spark.submit.deployMode": "client",
        "spark.cores.max": "1",
        "spark.executor.cores": "1",
        "spark.executor.memory": "768m",
        "spark.driver.memory": "768m",
        "spark.ui.enabled": "false",
        "spark.task.maxFailures": "2",
        "spark.deploy.maxExecutorRetries": "2",
        "spark.openlineage.transport.type": "file",
        "spark.openlineage.transport.location": str(spool),
        **_parent(),
    }
    path = _folder(settings().state / "run" / "spark") / f"{attempt}.conf"
    try:
        path.touch(mode=0o600)
        path.write_text("".join(f"{key} {value}\n" for key, value in values.items()))
        yield path
    finally:
        path.unlink(missing_ok=True)


def _defaults() -> dict[str, str]:
    """The installation's properties, as the local stack, or whoever installs Spark, wrote them."""
    lines = (settings().state / "conf" / "spark" / "spark-defaults.conf").read_text().splitlines()
    return {key: value for key, _, value in (line.partition(" ") for line in lines) if key}


def _parent() -> dict[str, str]:
    """Whose child the application is, where ``OPENLINEAGE_PARENT_ID`` (``namespace/job/run``) says so."""
    parts = os.environ.get("OPENLINEAGE_PARENT_ID", "").rsplit("/", 2)
    if len(parts) != 3:
        return {}
    return dict(
        zip(
            (
                "spark.openlineage.parentJobNamespace",
                "spark.openlineage.parentJobName",
                "spark.openlineage.parentRunId",
            ),
            parts,
            strict=True,
        )
    )


def _environment(work: Path) -> dict[str, str]:
    """What the application is told by its environment: paths and ports; nothing that is secret."""
    tools = settings().toolchain()
    here = settings()
    kept = {
        key: value for key, value in os.environ.items() if key.startswith("ENGINEDGE_") or key in ("HOME", "LANG", "TZ")
    }
    return {
        **kept,
        "PATH": f"{tools['java17_home']}/bin:/usr/bin:/bin",
        "JAVA_HOME": tools["java17_home"],
        "SPARK_HOME": tools["spark_home"],
        "SPARK_CONF_DIR": str(configuration_jar()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": f"{here.root / 'plugins'}:{here.root}",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(work),
        "ENGINEDGE_ROOT": str(here.root),
        "ENGINEDGE_STATE": str(here.state),
        "ENGINEDGE_SECRETS": str(here.secrets),
    }


def _folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _relay(facts: dict[str, Any]) -> None:
    rest = {key: value for key, value in facts.items() if key not in ("table", "step")}
    log.info("%s %s %s", facts.get("table"), facts.get("step"), json.dumps(rest, default=str))
