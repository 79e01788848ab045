"""The main job on a new machine: seed last night, let Airflow run it, and show what came of it.

It is safe to repeat: a night that is seeded is not seeded again, a run that succeeded is not triggered again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from enginedge import trino
from enginedge.errors import Unavailable
from enginedge.lake import night as nights
from enginedge.lake.airflow import Airflow
from enginedge.lake.requests import read_request
from enginedge.lineage.here import last_words
from enginedge.one_at_a_time import one_at_a_time
from enginedge.platform import load_platform
from enginedge.sample import seeding
from enginedge.settings import settings

SHOWN_MART = "services__daily_throughput"
SHOWN_COLUMNS = "occurred_on, worker, events, events_ok, events_error, events_timeout, duration_p50_s, duration_p99_s"
WORLD = 7


@dataclass(frozen=True)
class FirstNight:
    """What is shown: a mart's columns and newest rows, the night's summary, the graph's size, and the pages."""

    night: str
    run_url: str
    mart: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    summary: nights.Summary
    lineage: str
    lineage_edges: int
    pages: list[tuple[str, str, str, str]]


def run(night: str, scale: float, say: Callable[[str], None]) -> FirstNight:
    """Seed and run ``night``, last night where it is empty, and gather what there is to show; a second one that is
    started meanwhile waits.

    Raises:
        Misconfigured, Unavailable, Violated: as the seeding, Airflow's run and the queries do.
    """
    lock = settings().state / "run" / "first-night"
    with one_at_a_time(lock, lambda who: say(f"{who} is already at it; waiting for it to end")):
        return _run(night, scale, say)


def _run(asked: str, scale: float, say: Callable[[str], None]) -> FirstNight:
    began = datetime.now(UTC)
    night = read_request({"night": asked}, began).night
    seeding.seed(
        seeding.nights_until(date.fromisoformat(night), 1, scale, WORLD),
        lambda seeded, store: say(f"seeding {seeded.date} into {store}"),
    )
    airflow = Airflow()
    triggered = airflow.ensure_run(night, {"night": night})
    if triggered.state == "success":
        say(f"the night {night} has run already, and is not run again: {triggered.url}")
    else:
        say(f"refresh_lake for {night}: {triggered.url}")
        airflow.follow(triggered, say)
    summary = nights.reconcile(night)
    answer = trino.query(
        f"select {SHOWN_COLUMNS} from {trino.quoted('mart', SHOWN_MART)} order by 1 desc, 2 limit 10",  # noqa: S608
        user="analyst",
        source="first-night",
    )
    return FirstNight(
        night=night,
        run_url=triggered.url,
        mart=f"mart.{SHOWN_MART}",
        columns=tuple(answer.columns),
        rows=[tuple(row) for row in answer.rows],
        summary=summary,
        lineage=last_words(began),
        lineage_edges=lineage_edges(),
        pages=pages(),
    )


def lineage_edges() -> int:
    """How many edges the lineage graph has, between tables and between columns, as the relay counts them.

    Raises:
        Unavailable: the relay does not answer.
    """
    url = settings().endpoint("lineage").url
    try:
        answer = httpx.get(f"{url}/api/relay/state", timeout=30).raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(
            f"lineage does not answer ({error})", where=url, remedy="run `make logs S=lineage`"
        ) from error
    return sum(answer.json()["edges"].values())


def pages() -> list[tuple[str, str, str, str]]:
    """Every page a person can open: title, address, user, and the file, from here, that holds the password."""
    here = settings()
    found = []
    for service in load_platform(here.root / "deploy" / "platform.yaml").services:
        if service.page:
            address = here.endpoint(service.name, service.page.port).url + service.page.path
            secret = os.path.relpath(here.secret_path(service.secret)) if service.secret else ""
            found.append((service.title, address, service.page.user, secret))
    return found


def show(shown: FirstNight, console: Console) -> None:
    """Print it: the mart's rows, the reconciliation, the lineage, the pages."""
    mart = Table(*shown.columns, box=None, title=f"{shown.mart}, as an analyst reads it through Trino")
    for row in shown.rows:
        mart.add_row(*(str(value) for value in row))
    console.print(mart)
    for said in (
        shown.summary,
        f"{shown.lineage}; {shown.lineage_edges:,} edges in all",
        f"the run: {shown.run_url}",
    ):
        console.print(f"\n{said}", highlight=False, soft_wrap=True)
    addresses = Table("page", "address", "user", "password in", box=None, title="What you can open")
    for page in shown.pages:
        addresses.add_row(*page)
    console.print(addresses)
