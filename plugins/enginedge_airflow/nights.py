"""The page *Nights*: what each run of ``refresh_lake`` took in and published, as its last task summed it up.

The summaries are asked of Airflow's own REST API, in this very process and in the name of whoever opens the page, so
that nobody sees here what Airflow would not show. The page has no script, and nothing in it is trusted to be HTML.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import quote

import httpx
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route, Router

RUNS = "/dags/refresh_lake/dagRuns"
SUMMARY = "taskInstances/summarise/xcomEntries/summary"
SHOWN = 14
REFUSED = {401: "Log in to Airflow first.", 403: "Airflow does not let you read this.", 404: "There is no such run."}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "Cache-Control": "no-store",
}


async def newest(request: Request) -> HTMLResponse:
    """The newest runs of ``refresh_lake``, each with its summary."""
    async with _airflow(request) as airflow:
        answer = await airflow.get(RUNS, params={"order_by": "-start_date", "limit": SHOWN})
        if answer.is_error:
            return _refusal(answer)
        runs = answer.json()["dag_runs"]
        paths = [f"{RUNS}/{quote(run['dag_run_id'], safe='')}" for run in runs]
        summaries = await asyncio.gather(*(_summary(airflow, path) for path in paths))
    return _page(nights=list(zip(runs, summaries, strict=True)), framed=False)


async def of_run(request: Request) -> HTMLResponse:
    """The summary of one run, for the tab on that run's page: a frame, out of which no link may lead."""
    dag, run_id = (quote(request.query_params.get(name, ""), safe="") for name in ("dag_id", "run_id"))
    path = f"/dags/{dag}/dagRuns/{run_id}"
    async with _airflow(request) as airflow:
        answer = await airflow.get(path)
        if answer.is_error:
            return _refusal(answer)
        summary = await _summary(airflow, path)
    return _page(nights=[(answer.json(), summary)], framed=True)


router = Router([Route("/", newest), Route("/run", of_run)])


def _airflow(request: Request) -> httpx.AsyncClient:
    """Airflow's REST API, in this process, with the login that came with the request."""
    login = {name: request.headers[name] for name in ("cookie", "authorization") if name in request.headers}
    inside = httpx.ASGITransport(app=request.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=inside, base_url="http://airflow/api/v2", headers=login, timeout=30)


async def _summary(airflow: httpx.AsyncClient, run: str) -> Mapping[str, Any] | None:
    """What the run's last task left; ``None`` where it has not left any yet, or never will."""
    answer = await airflow.get(f"{run}/{SUMMARY}")
    if answer.is_error:
        return None
    value = answer.json()["value"]
    with suppress(ValueError):  # a text that is no JSON is no summary
        found = json.loads(value) if isinstance(value, str) else value
        return found if _is_summary(found) else None
    return None


def _is_summary(found: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether the page can show it: whoever may write an XCom may leave anything."""
    if not isinstance(found, Mapping):
        return False
    links = found.get("links", {})
    return (
        all(isinstance(found.get(part, []), list) for part in ("tables", "marts"))
        and isinstance(links, Mapping)
        and all(isinstance(address, str) for address in links.values())
    )


def _refusal(answer: httpx.Response) -> HTMLResponse:
    said = REFUSED.get(answer.status_code, f"Airflow's API answered {answer.status_code}.")
    return _page(refused=said, status=answer.status_code)


def _page(status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(_template.render(**values), status_code=status, headers=HEADERS)


def _number(value: Any) -> str:
    """A count with its thousands apart; anything else as it is."""
    return f"{value:,}" if isinstance(value, int) else str(value)


_pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
_pages.filters["number"] = _number
_template = _pages.get_template("nights.html")
