"""A person triggers the night in Airflow's own page: a real headless browser fills in the form and reads the graph."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from enginedge import trino
from enginedge.lake import declared
from enginedge.settings import settings
from enginedge.table_digest import digest
from tests.integration.airflow_api import DAG, finished, log, logged_in, password, states
from tests.integration.conftest import Lake
from tests.integration.test_nights import standing

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.stack, pytest.mark.browser]

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 120_000
# A run id is used up for good, also in a stack that is kept.
BY_BROWSER = f"by_browser__{int(time.time())}"


SOURCES = [source for source in declared.SOURCES if source != "airflow"]  # to which this very run adds


@dataclass(frozen=True)
class Run:
    """A run that was triggered by the form, ended; the digest that each table and mart of it had before, and the
    snapshot that each table stood on. Its marts and all run state were dropped between."""

    told: dict[str, Any]
    before: dict[str, str]
    snapshots: dict[str, int]


@pytest.fixture(scope="module")
def airflow() -> Iterator[httpx.Client]:
    with closing(logged_in()) as client:
        yield client


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """Airflow's page, logged in as a person would."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1600, "height": 1100})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{settings().endpoint('airflow-api').url}/dags/refresh_lake")
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", password())
        page.click("button[type=submit]")
        page.get_by_role("button", name="Trigger Dag").wait_for()
        yield page
        browser.close()


@pytest.fixture(scope="module")
def pictures() -> Path:
    folder = settings().state / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def run(lake_of_one_night: Lake, airflow: httpx.Client, page: Page, pictures: Path) -> Run:
    """The published night once more, with what it can make anew dropped; all sources but one are left in the form."""
    tables = [table for source in SOURCES for table in declared.tables_of(source)]
    marts = [mart for mart in declared.marts() if set(mart.reads) <= set(tables)]
    before = {table: digest(table) for table in [*tables, *(mart.name for mart in marts)]}
    snapshots = standing(tables)
    for mart in marts:
        trino.query(f"drop table {trino.quoted('mart', mart.model)}")
        trino.query(f"drop table {trino.quoted('mart_next', mart.model)}")
    shutil.rmtree(settings().state / "dbt")
    page.get_by_role("button", name="Trigger Dag").click()
    page.fill("#element_night", lake_of_one_night.night)
    page.get_by_label("Remove airflow").click()
    page.click("text=Advanced Options")
    page.fill("input[name=dagRunId]", BY_BROWSER)
    page.screenshot(path=pictures / "refresh_lake_form.png")
    page.get_by_test_id("trigger-dag-submit").click()
    page.get_by_test_id("trigger-dag-submit").wait_for(state="hidden")
    return Run(finished(airflow, BY_BROWSER), before, snapshots)


def test_the_form_triggers_the_night_that_it_shows(
    lake_of_one_night: Lake, run: Run, airflow: httpx.Client, page: Page, pictures: Path
) -> None:
    """What is left in the form runs; the source that was taken out, and its mart, are skipped."""
    assert run.told["conf"] == {"night": lake_of_one_night.night, "sources": SOURCES, "full_refresh": False}
    assert run.told["state"] == "success"

    ended = states(airflow, BY_BROWSER)
    assert ended["sources.refresh_kafka"] == "success"
    assert ended["sources.refresh_airflow"] == "skipped"
    assert ended["marts.publish_services__daily_throughput"] == "success"
    assert ended["marts.publish_pipelines__daily_runs"] == "skipped"
    assert ended["summarise"] == "success"

    found = airflow.get(f"{DAG}/dagRuns/{BY_BROWSER}/taskInstances/summarise/xcomEntries/summary").json()
    assert lake_of_one_night.night in json.dumps(found["value"])

    page.goto(f"{settings().endpoint('airflow-api').url}/dags/refresh_lake/runs/{BY_BROWSER}")
    page.get_by_label("Show Graph (Press g)").click()
    page.get_by_label("Expand all task groups").click()
    page.get_by_text("summarise").first.wait_for()
    page.wait_for_timeout(2000)
    page.screenshot(path=pictures / "refresh_lake_graph.png")
    assert page.get_by_text("refresh_kafka").first.is_visible()


def test_run_again_with_its_marts_and_all_run_state_dropped_a_night_changes_no_row_and_tells_of_every_table(
    lake_of_one_night: Lake, run: Run, airflow: httpx.Client
) -> None:
    assert {table: digest(table) for table in run.before} == run.before
    assert standing(run.snapshots) == run.snapshots

    asked = {"source_run_id": BY_BROWSER, "limit": 100}
    events = airflow.get("/api/v2/assets/events", params=asked).json()["asset_events"]
    told = {event["name"]: event["extra"] for event in events}
    assert set(told) == set(run.before)
    assert told["core.kafka__service_events"]["night"] == lake_of_one_night.night
    marts = [name for name in run.before if name.startswith("mart.")]
    assert all(told[name]["digest"] == run.before[name] for name in marts)

    shown = airflow.get("/nights/run", params={"dag_id": "refresh_lake", "run_id": BY_BROWSER})
    assert shown.status_code == 200
    for said in (log(airflow, BY_BROWSER, "summarise"), shown.text):
        assert all(table in said for table in run.before)
        assert "lineage: " in said
