"""The page of the nights: what it shows, in whose name it asks, and that nothing in a summary becomes HTML."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from airflow import plugins_manager
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from enginedge_airflow.plugin import EnginEdgePlugin, nights
from tests.fakes.night import LINKS, SUMMARY

RUN = "manual__2026-11-24T02:00:00+00:00"
LOG = "http://airflow/log"
LEFT = {**SUMMARY.as_dict(), "links": {**LINKS, "this run": LOG}, "lineage": "lineage: complete, 9 runs and 3 tables"}


def airflow(summaries: dict[str, Any], login: str = "_token=mine") -> TestClient:
    """A browser that is logged in to an Airflow whose API knows runs and what their last tasks left."""

    def runs(request: Request) -> JSONResponse:
        if request.headers.get("cookie") != "_token=mine":
            return JSONResponse({"detail": "Not authenticated"}, 401)
        return JSONResponse({"dag_runs": [run(run_id) for run_id in summaries]})

    def run(run_id: str) -> dict[str, str]:
        return {"dag_id": "refresh_lake", "dag_run_id": run_id, "state": "success"}

    def one(request: Request) -> JSONResponse:
        run_id = request.path_params["run_id"]
        return JSONResponse(run(run_id)) if run_id in summaries else JSONResponse({}, 404)

    def summary(request: Request) -> JSONResponse:
        left = summaries[request.path_params["run_id"]]
        if left is None:
            return JSONResponse({}, 404)
        return JSONResponse({"value": left.decode() if isinstance(left, bytes) else json.dumps(left)})

    at = "/api/v2/dags/refresh_lake/dagRuns"
    app = Starlette(
        routes=[
            Route(at, runs),
            Route(f"{at}/{{run_id}}", one),
            Route(f"{at}/{{run_id}}/taskInstances/summarise/xcomEntries/summary", summary),
            Mount("/nights", app=nights),
        ]
    )
    return TestClient(app, headers={"cookie": login})


def test_a_reader_finds_where_the_records_went_how_long_it_took_and_where_more_is_to_be_read() -> None:
    shown = airflow({RUN: LEFT}).get("/nights/").text
    row = re.search(r"<td>core\.kafka__service_events.*?</tr>", shown, re.DOTALL)
    assert row is not None
    cells = re.findall(r"<td>([^<]*)", row[0])
    assert [cell.strip() for cell in cells[1:]] == [
        *("12,345", "11,000", "345", "700", "300"),
        *("31.74", "4242424242424242"),
    ]
    assert "lineage: complete, 9 runs and 3 tables" in shown
    for address in (*LINKS.values(), LOG):
        assert f'<a href="{address}">' in shown
    assert '<a href="../dags/refresh_lake/runs/manual__2026-11-24T02%3A00%3A00%2B00%3A00">' in shown


def test_the_newest_run_is_open_and_one_that_left_no_summary_is_said_to_have_left_none() -> None:
    shown = airflow({"new": None, "old": LEFT}).get("/nights/").text
    assert re.findall(r"<details (open)?", shown) == ["open", ""]
    assert "This run has left no summary" in shown
    assert "has not run yet" in airflow({}).get("/nights/").text


def test_the_tab_of_a_run_shows_that_run_and_no_link_that_its_frame_would_not_follow() -> None:
    shown = airflow({"other": None, RUN: LEFT}).get("/nights/run", params={"dag_id": "refresh_lake", "run_id": RUN})
    assert "12,345" in shown.text
    assert "http://spark:1" in shown.text
    assert "<a " not in shown.text
    assert "other" not in shown.text


def test_the_page_asks_in_the_readers_name_alone() -> None:
    answer = airflow({RUN: LEFT}, login="_token=nobodys").get("/nights/")
    assert answer.status_code == 401
    assert "Log in to Airflow first" in answer.text
    assert "kafka" not in answer.text


def test_a_run_that_is_not_there_is_said_to_be_none() -> None:
    answer = airflow({}).get("/nights/run", params={"dag_id": "refresh_lake", "run_id": "x"})
    assert (answer.status_code, "There is no such run." in answer.text) == (404, True)


def test_nothing_in_a_summary_becomes_html_or_a_link_to_a_script() -> None:
    evil = "<script>alert(1)</script>"
    left = {
        **LEFT,
        "night": evil,
        "lineage": evil,
        "tables": [{**LEFT["tables"][0], "table": evil, "raw": evil}],
        "links": {evil: "javascript:alert(1)", "x": 'http://x/" onclick="alert(1)'},
    }
    answer = airflow({RUN: left}).get("/nights/")
    assert "<script" not in answer.text
    assert 'onclick="' not in answer.text
    assert 'href="javascript' not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "left",
    [
        *("no mapping", b"no JSON", [1], {}, {"night": "2026-11-23"}),
        *({"tables": 5}, {"marts": {"a": 1}}, {"links": [1]}, {"links": {"log": 5}}, {"tables": [1, None, "x"]}),
    ],
)
def test_what_is_no_summary_does_not_break_the_page(left: Any) -> None:
    assert airflow({RUN: left}).get("/nights/").status_code == 200


def test_airflow_finds_the_plugin_with_its_page_and_its_tab() -> None:
    (info,) = [each for each in plugins_manager.get_plugin_info() if each["name"] == EnginEdgePlugin.name]
    assert [app["url_prefix"] for app in info["fastapi_apps"]] == ["/nights"]
    assert {view["name"]: view["destination"] for view in info["external_views"]} == {
        "Nights": "nav",
        "Summary": "dag_run",
    }


def test_the_plugin_costs_a_process_that_serves_no_page_nothing() -> None:
    program = (
        "import sys, airflow.listeners, airflow.plugins_manager\n"
        "before = set(sys.modules)\n"
        "import enginedge_airflow.plugin\n"
        "ours = {'enginedge_airflow', 'enginedge_airflow.plugin', 'enginedge_airflow.preload'}\n"
        "print(sorted(set(sys.modules) - before - ours))\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.strip().splitlines()[-1] == "[]"
