"""A person triggers the night in Airflow's own page: a real headless browser fills in the form and reads the graph."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from enginedge.settings import settings
from tests.integration.airflow_api import DAG, finished, logged_in, password, states
from tests.integration.conftest import Lake

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


@pytest.fixture
def airflow() -> Iterator[httpx.Client]:
    with closing(logged_in()) as client:
        yield client


@pytest.fixture
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


@pytest.fixture
def pictures() -> Path:
    folder = settings().state / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_form_triggers_the_night_that_it_shows(
    lake_of_two_nights: Lake, airflow: httpx.Client, page: Page, pictures: Path
) -> None:
    """Two of the five sources are left in the form; theirs run, the others and their marts are skipped."""
    night = lake_of_two_nights.nights[-1]
    page.get_by_role("button", name="Trigger Dag").click()
    page.fill("#element_night", night)
    for source in ("mongodb", "bucket", "airflow"):
        page.get_by_label(f"Remove {source}").click()
    page.click("text=Advanced Options")
    page.fill("input[name=dagRunId]", BY_BROWSER)
    page.screenshot(path=pictures / "refresh_lake_form.png")
    page.get_by_test_id("trigger-dag-submit").click()
    page.get_by_test_id("trigger-dag-submit").wait_for(state="hidden")

    run = finished(airflow, BY_BROWSER)
    assert run["conf"] == {"night": night, "sources": ["postgres", "kafka"], "full_refresh": False}
    assert run["state"] == "success"

    ended = states(airflow, BY_BROWSER)
    assert ended["sources.refresh_kafka"] == "success"
    assert ended["sources.refresh_mongodb"] == "skipped"
    assert ended["marts.publish_services__daily_throughput"] == "success"
    assert ended["marts.publish_interviews__daily_funnel"] == "skipped"
    assert ended["summarise"] == "success"

    found = airflow.get(f"{DAG}/dagRuns/{BY_BROWSER}/taskInstances/summarise/xcomEntries/summary").json()
    assert night in json.dumps(found["value"])

    page.goto(f"{settings().endpoint('airflow-api').url}/dags/refresh_lake/runs/{BY_BROWSER}")
    page.get_by_label("Show Graph (Press g)").click()
    page.get_by_label("Expand all task groups").click()
    page.get_by_text("summarise").first.wait_for()
    page.wait_for_timeout(2000)
    page.screenshot(path=pictures / "refresh_lake_graph.png")
    assert page.get_by_text("refresh_kafka").first.is_visible()
