"""Runs one dbt model and its tests, and says what came of it in our own words.

dbt runs as a process of its own: run inside ours, it keeps its log files open and its settings for good, and cannot be
stopped with the task that started it. It reads the project in the checkout and writes (its manifest, what it compiled,
its results) under ``.state/dbt``, in a folder a model, so that two models can be built at the same time and each finds
its last parse again.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.lake.declared import project
from enginedge.settings import settings
from enginedge.shell import end_group, start_tied

log = logging.getLogger(__name__)

# jsonschema, which dbt imports, looks for an optional package that builds a grammar of internationalised addresses:
# more than a second of every start, for a format that no schema of dbt's uses. Without it, jsonschema does without.
# Python's collector of cycles takes a fifth of dbt's import, and a process of seconds needs no collection.
_DBT = "import gc, sys; gc.disable(); sys.modules['rfc3987_syntax'] = None; from dbt.cli.main import cli; cli()"
_MAY_HEAL = re.compile(r"type=(INTERNAL_ERROR|INSUFFICIENT_RESOURCES|EXTERNAL)|Max retries|timed? ?out|HTTP 50\d")
_LEVELS = {"info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


@dataclass(frozen=True)
class Result:
    """What dbt says of one node: ``kind`` is ``model`` or ``test``, ``broken`` the rows that a test found at fault."""

    kind: str
    name: str
    status: str
    message: str
    broken: int
    query_id: str


def run_dbt(model: str, core_schema: str, next_schema: str) -> tuple[Result, ...]:
    """Build ``model`` in ``next_schema`` from ``core_schema``, then run its tests on it.

    Raises:
        Violated: a test failed.
        Misconfigured: the project, or a statement in it, is wrong.
        Unavailable: Trino, or a store behind it, did not answer.
    """
    here, folder = settings().state / "dbt" / next_schema / model, str(project())
    results = here / "run_results.json"
    results.unlink(missing_ok=True)
    said = _run(
        [
            *(sys.executable, "-c", _DBT, "build", "--select", model),
            *("--project-dir", folder, "--profiles-dir", folder, "--target-path", str(here), "--log-path", str(here)),
            *("--vars", json.dumps({"core_schema": core_schema, "next_schema": next_schema})),
            *("--log-format", "json", "--log-level-file", "none"),
        ]
    )
    if not results.exists():
        raise _named(f"the model {model}", " ".join(said) or "it ended without a word")
    try:
        found = tuple(_read(result) for result in json.loads(results.read_text())["results"])
    except ValueError:
        raise Unavailable(
            "it was ended while it wrote its results", where=f"the model {model}", remedy="build the mart again"
        ) from None
    judge(model, found)
    return found


def judge(model: str, results: Sequence[Result]) -> None:
    """Return when ``model`` was built and passed; the raised failures are those of :func:`run_dbt`."""
    for result in results:
        if result.status == "error":
            raise _named(f"the {result.kind} {result.name}", result.message)
    failed = [result for result in results if result.status == "fail"]
    if failed:
        raise Violated(
            "; ".join(f"the test {result.name} finds {result.broken} row(s) at fault" for result in failed),
            where=f"the model {model}",
            untouched=f"the published mart.{model}",
            remedy="run the test's query, which lies compiled under .state/dbt",
        )
    if not any(result.kind == "model" for result in results):
        raise Misconfigured(f"dbt built no model {model!r}", where=str(project()), remedy="add its SQL and description")


def _run(argv: Sequence[str]) -> list[str]:
    """Run dbt to its end, its words going to our log; return its complaints. Stopping us stops it."""
    process = start_tied(argv, environment=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        complaints = list(_relayed(process.stdout or ()))
        process.wait()
    except BaseException:
        end_group(process.pid)
        raise
    finally:
        if process.stdout:
            process.stdout.close()
    return complaints


def _environment() -> dict[str, str]:
    """What dbt may know: where programs and Trino are. No secret is in it, and none that we may have is passed on."""
    endpoint = settings().endpoint("trino")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "ENGINEDGE_HOST_TRINO": endpoint.host, "ENGINEDGE_PORT_TRINO": str(endpoint.port)}


def _relayed(lines: Iterable[str]) -> Iterable[str]:
    """Log what dbt says, and yield what it complains of. A line that is no JSON comes from one of its libraries."""
    for line in lines:
        try:
            said: dict[str, Any] = json.loads(line)["info"]
        except (ValueError, KeyError, TypeError):
            log.debug("dbt: %s", line.rstrip())
            continue
        if said["level"] in _LEVELS and said["msg"].strip():
            log.log(_LEVELS[said["level"]], "dbt: %s", said["msg"].strip())
            if said["level"] == "error":
                yield said["msg"].strip()


def _named(where: str, message: str) -> EnginEdgeError:
    said = " ".join(message.split())
    if _MAY_HEAL.search(said):
        return Unavailable(said, where=where, remedy="look at `make status` and `make logs S=trino`")
    return Misconfigured(said, where=where, remedy="mend it in sql/mart")


def _read(result: dict[str, Any]) -> Result:
    kind, _, name = str(result["unique_id"]).split(".")[:3]
    return Result(
        kind=kind,
        name=name,
        status=str(result["status"]),
        message=str(result.get("message") or ""),
        broken=int(result.get("failures") or 0),
        query_id=str((result.get("adapter_response") or {}).get("query_id") or ""),
    )
