"""The recorded Marquez: its calls in order, and the shape that all of its answers to one kind of call have together."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.lineage.conftest import recorded

FREE = re.compile(r"(^|\.)(facets|inputFacets|outputFacets|args)\.")
CUT = "\u2026["


@dataclass(frozen=True)
class Call:
    """One recorded call: what was sent, and what came back."""

    id: str
    db: str
    phase: str
    method: str
    path: str
    headers: dict[str, str]
    content: bytes | None
    status: int
    body: Any

    @property
    def kind(self) -> str:
        """The resource that is asked, whatever its name is."""
        path = self.path.partition("?")[0]
        path = re.sub(r"/namespaces/[^/]+", "/namespaces/{}", path)
        path = re.sub(r"/runs/[^/]+", "/runs/{}", path)
        return re.sub(r"(\}/jobs|/datasets|/fields|/tags|/versions|/sources|/stats)/[^/]+", r"\1/{}", path).rstrip("/")


def calls() -> Iterator[Call]:
    """The recorded calls to the service's own port, in the order in which they were sent."""
    answers = {answer["id"]: answer for answer in recorded("marquez-answers.ndjson")}
    for request in recorded("marquez-requests.ndjson"):
        if request["phase"] == "admin":
            continue
        answer = answers[request["id"]]
        headers = {
            name: value for name, value in request.get("headers", {}).items() if name.lower() != "content-length"
        }
        sent = {key: request[key] for key in ("id", "db", "phase", "method", "path")}
        body = answer.get("body", answer.get("text"))
        yield Call(**sent, headers=headers, content=_content(request), status=answer["status"], body=body)


def _content(request: dict[str, Any]) -> bytes | None:
    if "body_file" in request:
        name = request["body_file"].rsplit("/", 1)[-1]
        content = json.dumps(recorded(name)[request["line"] - 1]).encode()
    elif "body_text" in request:
        content = request["body_text"].encode()
    elif "body_made" in request:
        content = json.dumps(_made(request)).encode()
    elif "body" in request:
        content = json.dumps(request["body"]).encode()
    else:
        return None
    packed = "gzip" in str(request.get("headers", {}).get("Content-Encoding", ""))
    return gzip.compress(content) if packed else content


def _made(request: dict[str, Any]) -> dict[str, Any]:
    """A body that the recording only describes: large, or wide."""
    event: dict[str, Any] = {
        "eventTime": "2026-11-24T09:30:00Z",
        "producer": "https://example.org/lineage-recorder/1",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "eventType": "COMPLETE",
        "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, request["id"])), "facets": {}},
        "job": {"namespace": "big", "name": request["id"].removeprefix("post-big-"), "facets": {}},
        "inputs": [],
        "outputs": [],
    }
    marks = {"_producer": "https://example.org", "_schemaURL": "https://example.org/f.json"}
    made = {"post-big-1": "one_facet", "post-big-2": "query"}
    event["job"]["name"] = made.get(request["id"], event["job"]["name"])
    wide = re.fullmatch(r"post-big-w(\d+)x(\d+)", request["id"])
    if wide is None:
        blob, sql = "x" * 2 * 1024 * 1024, "select " + ",".join(f"c{n}" for n in range(300_000))
        event["run"]["facets"] = {"blob": {**marks, "text": blob}} if request["id"] == "post-big-1" else {}
        event["job"]["facets"] = {"sql": {**marks, "query": sql}} if request["id"] == "post-big-2" else {}
        return event
    tables, columns = int(wide[1]), int(wide[2])
    fields = [
        {"name": f"c{n}", "type": "int", "description": f"column number {n} of the table"} for n in range(columns)
    ]
    names = [{"namespace": "bigfiles", "name": f"t{n}"} for n in range(tables)]
    event["inputs"] = [{**name, "facets": {"schema": {**marks, "fields": fields}}} for name in names]
    lineage = {f"c{n}": {"inputFields": [{**name, "field": f"c{n}"} for name in names]} for n in range(columns)}
    facets = {"schema": {**marks, "fields": fields}, "columnLineage": {**marks, "fields": lineage}}
    event["outputs"] = [{"namespace": "bigfiles", "name": f"w{wide[1]}x{wide[2]}_out", "facets": facets}]
    return event


@dataclass
class Shape:
    """At each place of a JSON document: which types were seen, and which keys an object always and ever had.

    A field that is always null at one place may hold at another what it holds elsewhere: ``anywhere`` is what each key
    held in any answer at all.
    """

    anywhere: dict[str, set[str]]
    types: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    always: dict[str, set[str]] = field(default_factory=dict)
    ever: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def learn(self, value: Any, place: str = "") -> None:
        """Take in one document."""
        if FREE.search(place) or (isinstance(value, str) and value.startswith(CUT)):
            return
        self.types[place].add(type(value).__name__)
        self.anywhere[place.rpartition(".")[2]].add(type(value).__name__)
        if isinstance(value, dict):
            keys = set(value)
            self.always[place] = self.always.get(place, keys) & keys
            self.ever[place] |= keys
            for key, item in value.items():
                self.learn(item, f"{place}.{key}")
        elif isinstance(value, list):
            for item in value:
                self.learn(item, f"{place}[]")

    def departures(self, value: Any, place: str = "") -> list[str]:
        """Where ``value`` departs from what was learned; a place that was never seen is not judged."""
        if FREE.search(place) or place not in self.types:
            return []
        kind = type(value).__name__
        if kind not in self.types[place] | (self.anywhere[place.rpartition(".")[2]] if "." in place else set()):
            return [f"{place or 'body'} is {kind}, not {'/'.join(sorted(self.types[place]))}"]
        found: list[str] = []
        if isinstance(value, dict) and not re.search(r"(facets|args|Facets)$", place):
            found += [f"{place} lacks {key}" for key in sorted(self.always[place] - set(value))]
            found += [f"{place} has {key} besides" for key in sorted(set(value) - self.ever[place])]
            for key, item in value.items():
                found += self.departures(item, f"{place}.{key}")
        elif isinstance(value, list):
            for item in value:
                found += self.departures(item, f"{place}[]")
        return sorted(set(found))


def shapes() -> dict[tuple[str, int], Shape]:
    """What the recorded server's JSON answers look like, by kind of call and status."""
    anywhere: dict[str, set[str]] = defaultdict(set)
    found: dict[tuple[str, int], Shape] = defaultdict(lambda: Shape(anywhere))
    for call in calls():
        if call.body is not None and not (isinstance(call.body, str) and call.body.startswith("<html")):
            found[f"{call.method} {call.kind}", call.status].learn(call.body)
    return found
