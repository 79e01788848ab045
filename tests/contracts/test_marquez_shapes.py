"""The relay is driven by the calls that were recorded from a real Marquez, and its answers are held against that
server's.

What is compared is the status and the shape (the same keys, the same types), not the values, which differ from run to
run. Where the recorded server is broken, or loses something that the relay keeps, the relay departs on purpose: those
calls are named below, by the reason, and must depart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from enginedge.lineage.application import application
from enginedge.lineage.database import Database
from tests.contracts.marquez import Call, calls, shapes
from tests.lineage.conftest import NAMES

DEPARTURES = {
    "the recorded server fails on every source once a dataset has none": (
        "read-1279 read-1282 client-2015 client-2030 poison-2123 extra-3113"
    ),
    "the recorded server answers 500 to a question that is merely wrong": (
        "read-1271 read-1276 read-1302 read-1332 read-1333 read-1372 read-1385 read-1388 read-1389 read-1462 read-1471 "
        "read-1480 read-1489 write-2071 write-2073 extra-6012"
    ),
    "the recorded server can't tag a job that has a parent": "write-2061 write-2062 write-2066 write-2067",
    "a run event without a type but with facets is taken, not failed": "extra-3007 extra-4026",
    "a name that would break later reads is refused before it is stored (422), and leaves nothing behind": (
        "poison-3 poison-4 poison-5 poison-6 poison-8 poison-9 poison-12 poison-13 poison-2134 poison-2137 poison-2139 "
        "poison-2140 poison-2150 extra-6017 extra-6023 extra-6025 extra-6019"
    ),
    "so nothing is broken afterwards": (
        "poison-2135 poison-2146 poison-2151 poison-2153 poison-2154 extra-6018 extra-6024 extra-6026 extra-6027 "
        "extra-6030 extra-6031"
    ),
    "U+0000 in a facet is replaced, and the event kept": "poison-7",
    "an unknown parent is made in the namespace that the child names, not in the child's": (
        "read-1104 read-1105 extra-4015 extra-4016 extra-4017"
    ),
    "a source column that no schema names is kept, not dropped in silence": (
        "read-1261 read-1262 read-1339 read-1377 read-1378"
    ),
    "a Trino query id is replaced by the name of the work": "read-1086 read-1087 read-1321",
    "the relay's own page is at the root": "odd-1600",
    "asked by neither the clients nor the page": (
        "post-path-6 odd-1610 odd-1615 read-1392 read-1393 read-1394 read-1395 read-1398 read-1452 read-1453 "
        "extra-3172 extra-3173"
    ),
}


@pytest.fixture(scope="module")
def relays(new_conninfo: Any) -> Iterator[dict[str, TestClient]]:
    """One relay for each of the three databases of the recording, all empty."""
    databases = {name: Database(new_conninfo()) for name in "ABC"}
    yield {
        name: TestClient(application(database, NAMES), base_url="http://127.0.0.1")
        for name, database in databases.items()
    }
    for database in databases.values():
        database.close()


@pytest.fixture(scope="module")
def answered(relays: dict[str, TestClient]) -> list[tuple[Call, httpx.Response]]:
    """Every recorded call, in order, with the relay's answer."""
    found = []
    for call in calls():
        relay = relays[call.db]
        path = _with_our_version(relay, call)
        found.append((call, relay.request(call.method, path, headers=call.headers, content=call.content)))
    return found


def _with_our_version(relay: TestClient, call: Call) -> str:
    """The call's path, with a version that the recorded server made replaced by the one that the relay made instead."""
    if call.status != 200:
        return call.path
    listed = re.fullmatch(r"(.*/versions)/[0-9a-f-]{36}", call.path)
    if listed:
        versions = relay.get(listed[1]).json()["versions"]
        return f"{listed[1]}/{versions[0]['version']}"
    node = re.search(r"nodeId=dataset(?:Field)?%3A(.*?\d)%3A([^%&]*)[^&]*%23([0-9a-f-]{36})", call.path)
    if node:
        version = relay.get(f"/api/v1/namespaces/{node[1]}/datasets/{node[2]}").json()["currentVersion"]
        return call.path.replace(node[3], version)
    return call.path


def _departs(call: Call, response: httpx.Response, known: dict[tuple[str, int], Any]) -> list[str]:
    if response.status_code != call.status:
        return [f"answers {response.status_code}, not {call.status}: {response.text[:200]}"]
    shape = known.get((f"{call.method} {call.kind}", call.status))
    if shape is None or call.body is None or not response.content:
        return []
    is_json = response.text[:1] in '{["'
    return list(shape.departures(response.json() if is_json else response.text))


def test_every_answer_has_the_shape_of_the_recorded_servers(answered: list[tuple[Call, httpx.Response]]) -> None:
    on_purpose = {call_id for ids in DEPARTURES.values() for call_id in ids.split()}
    known = shapes()
    departures = {call.id: (call.path, _departs(call, response, known)) for call, response in answered}
    unexpected = {name: told for name, told in departures.items() if told[1] and name not in on_purpose}
    assert not unexpected
    assert len(answered) > 1200
    assert not {name for name in on_purpose if name in departures and not departures[name][1]}, "no longer departs"


def test_no_answer_is_a_failure_of_the_relays_own(answered: list[tuple[Call, httpx.Response]]) -> None:
    failed = [(call.id, response.text[:200]) for call, response in answered if response.status_code >= 500]
    assert all('"code":400' in text for _, text in failed)


def test_what_an_event_lacks_is_said_in_the_recorded_servers_words(answered: list[tuple[Call, httpx.Response]]) -> None:
    asked = [(call, response) for call, response in answered if call.phase == "post" and call.status == 422]
    assert len(asked) > 15
    for call, response in asked:
        assert sorted(response.json()["errors"]) == sorted(call.body["errors"]), call.id


def test_a_listed_event_shows_the_facets_it_does_not_have_as_null(
    relays: dict[str, TestClient], answered: object
) -> None:
    event = relays["A"].get("/api/v1/events/lineage?limit=1").json()["events"][0]
    assert {"nominalTime", "parent"} <= set(event["run"]["facets"] or {"nominalTime": None, "parent": None})
