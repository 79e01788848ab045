"""A whole night without Airflow: the same library calls as the DAG ``refresh_lake``, in the same order.

A source that fails holds back only the marts that read it; everything else is finished before the failure is told.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.lake import declared, marts, night
from enginedge.lake.contracts import contracts
from enginedge.lake.requests import Request

SPARK_APPLICATIONS_AT_ONCE = 2  # what one worker of the standalone master holds; the DAG has the same bound
MARTS_AT_ONCE = 2  # each is a dbt of its own, which needs a core for seconds

Say = Callable[[str], None]
Failures = dict[str, EnginEdgeError]


def run_night(request: Request, run: str, say: Say) -> night.Summary:
    """Bring the lake up to ``request.night`` and return the night's summary; ``say`` is told of every step.

    Raises:
        Misconfigured, Unavailable, Violated: what failed, by name; the worst kind of it, in this order of mildness.
            A contract that can't be honoured is told before anything runs.
    """
    contracts()
    failures = _refresh_sources(request, run, say)
    _refresh_marts(request, run, failures, say)
    if failures:
        raise _together(failures)
    return night.reconcile(request.night, request.sources)


def _refresh_sources(request: Request, run: str, say: Say) -> Failures:
    failures: Failures = {}
    with ThreadPoolExecutor(max_workers=SPARK_APPLICATIONS_AT_ONCE) as pool:
        started: dict[str, Future[list[night.TableCounts]]] = {
            source: pool.submit(night.refresh_source, source, request.night, run, request.full_refresh, _progress(say))
            for source in request.sources
        }
        for source, refreshed in started.items():
            try:
                for counts in refreshed.result():
                    say(f"{counts.table}: {counts.raw:,} in, {counts.accepted:,} accepted")
            except EnginEdgeError as error:
                failures[source] = error
                say(f"{source}: failed, {error}")
    return failures


def _refresh_marts(request: Request, run: str, failures: Failures, say: Say) -> None:
    """Build and publish the marts that read a refreshed source and none that failed."""
    refreshed = {table for source in request.sources for table in declared.tables_of(source)}
    spoilt = {table for source in failures for table in declared.tables_of(source)}

    def refresh(mart: declared.Mart) -> None:
        try:
            marts.build_mart(mart.name, request.night, run)
            published = marts.publish_mart(mart.name)
            say(f"{mart.name}: {published.rows:,} rows published in {published.seconds:.1f} s")
        except EnginEdgeError as error:
            failures[mart.name] = error
            say(f"{mart.name}: failed, {error}")

    with ThreadPoolExecutor(max_workers=MARTS_AT_ONCE) as pool:
        begun = []
        for mart in (each for each in declared.marts() if refreshed.intersection(each.reads)):
            if held_back := spoilt.intersection(mart.reads):
                say(f"{mart.name}: not rebuilt, it reads {', '.join(sorted(held_back))}")
            else:
                begun.append(pool.submit(refresh, mart))
        for each in begun:
            each.result()


def _progress(say: Say) -> Callable[[dict[str, Any]], None]:
    """What a Spark application tells of a step, as one line."""

    def tell(facts: dict[str, Any]) -> None:
        say(" ".join(f"{name}={value}" for name, value in facts.items()))

    return tell


def _together(failures: Failures) -> EnginEdgeError:
    """One failure that names them all, of the kind that asks most of its reader."""
    kind = next(
        kind for kind in (Violated, Misconfigured, Unavailable) if any(isinstance(e, kind) for e in failures.values())
    )
    if len(failures) == 1:
        return next(iter(failures.values()))
    return kind(
        " ".join(f"{name}: {error}" for name, error in failures.items()),
        untouched="every table that is not named is published",
        remedy="mend what is named and run the same night again",
    )
