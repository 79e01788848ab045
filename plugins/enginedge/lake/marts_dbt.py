"""Runs one dbt model and its tests in this process, and says what came of it in our own words.

dbt reads the project in the checkout and writes (its manifest, what it compiled, its log) under ``.state/dbt``, in a
folder a model, so that two models can be built at the same time and each finds its last parse again.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.lake.declared import project
from enginedge.settings import settings

log = logging.getLogger(__name__)

_MAY_HEAL = re.compile(
    r"type=(INTERNAL_ERROR|INSUFFICIENT_RESOURCES|EXTERNAL)|[Cc]onnection|Max retries|timed? ?out|HTTP 50\d"
)


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
    from dbt.cli.main import dbtRunner

    here, folder = str(settings().state / "dbt" / model), str(project())
    arguments = [
        *("build", "--select", model, "--project-dir", folder, "--profiles-dir", folder),
        *("--vars", f"{{core_schema: {core_schema}, next_schema: {next_schema}}}"),
        *("--target-path", here, "--log-path", here, "--log-level", "none", "--log-level-file", "info"),
    ]
    with _ports_in_environment():
        outcome = dbtRunner(callbacks=[_relay]).invoke(arguments)
    if outcome.exception is not None:
        raise _named(model, str(outcome.exception)) from outcome.exception
    results = tuple(_read(result) for result in getattr(outcome.result, "results", ()))
    _judge(model, results)
    return results


def _judge(model: str, results: Sequence[Result]) -> None:
    wrong = [result for result in results if result.status == "error"]
    if wrong:
        raise _named(wrong[0].name, wrong[0].message)
    failed = [result for result in results if result.status == "fail"]
    if failed:
        raise Violated(
            "; ".join(f"{result.name}: {result.broken} row(s) fail" for result in failed),
            where=f"the model {model}",
            untouched=f"the published mart.{model}",
            remedy=f"run the test's query, which lies compiled in .state/dbt/{model}/compiled",
        )
    if not any(result.kind == "model" for result in results):
        raise Misconfigured(f"dbt built no model {model!r}", where=str(project()), remedy="add its SQL and description")


def _named(where: str, message: str) -> EnginEdgeError:
    said = " ".join(message.split())
    if _MAY_HEAL.search(said):
        return Unavailable(said, where=f"dbt, {where}", remedy="look at `make status` and `make logs S=trino`")
    return Misconfigured(said, where=f"dbt, {where}", remedy="mend the model in sql/mart")


def _read(result: Any) -> Result:
    return Result(
        kind=str(result.node.resource_type),
        name=str(result.node.name),
        status=str(result.status),
        message=str(result.message or ""),
        broken=int(result.failures or 0),
        query_id=str((result.adapter_response or {}).get("query_id") or ""),
    )


def _relay(event: Any) -> None:
    """dbt's own words, by way of our log: its console output would spoil what a command line prints."""
    if event.info.level in ("info", "warn", "error") and event.info.msg.strip():
        log.log(logging.getLevelNamesMapping()[event.info.level.upper()], "dbt: %s", event.info.msg.strip())


@contextmanager
def _ports_in_environment() -> Iterator[None]:
    """The profile reads where Trino is from the environment; a value that was not there before is taken out again."""
    endpoint = settings().endpoint("trino")
    ours = {"ENGINEDGE_HOST_TRINO": endpoint.host, "ENGINEDGE_PORT_TRINO": str(endpoint.port)}
    missing = {name: value for name, value in ours.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)
