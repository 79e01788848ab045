"""Reads one OpenLineage event: is it whole, what kind is it, and what are its datasets and its job called here.

What comes out is what is stored and forwarded: canonical names (the name that the producer used is kept as a symlink,
so that it still finds the dataset), a run id that is a UUID, no login in any name, and no facet so large that it
hurts.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from enginedge.lineage.facets import DatasetEvent, JobEvent, RunEvent, faults
from enginedge.lineage.instants import parsed_instant
from enginedge.lineage.naming import DatasetName, Names, job_name, without_logins

DATASET_NAMESPACE = re.compile(r"^[A-Za-z0-9+\-./:;=@_]{1,1024}$")
NOT_IN_JOB_NAMESPACE = re.compile(r"[^A-Za-z0-9:/\-.@+_]")
FACET_LIMIT = 256 * 1024
DROPPED_FACETS = frozenset({"trino_query_statistics", "environment-properties", "spark.logicalPlan", "spark_unknown"})
TRIMMED = {"trino_metadata": ("query_plan",)}
MODELS: dict[str, type[BaseModel]] = {"run": RunEvent, "job": JobEvent, "dataset": DatasetEvent}
TYPED = {
    "run": ("nominalTime", "parent"),
    "job": ("documentation", "sourceCodeLocation", "sql", "jobType"),
    "dataset": ("documentation", "schema", "dataSource", "lifecycleStateChange", "columnLineage", "symlinks"),
}
LINK_SCHEMA = "https://openlineage.io/spec/facets/1-0-1/SymlinksDatasetFacet.json#/$defs/SymlinksDatasetFacet"
PRODUCER = "https://enginedge.example/lineage-relay"


class Refused(Exception):
    """An event that is not taken: the status and the body that its sender gets.

    Attributes: status: 422 for what is missing or misnamed, 500 (with a body that says 400, as Marquez does) for what
        can't be read. errors: one sentence each.
    """

    def __init__(self, status: int, errors: list[str]) -> None:
        self.status, self.errors = status, errors
        super().__init__("; ".join(errors))

    @property
    def body(self) -> dict[str, Any]:
        if self.status == 500:
            return {"code": 400, "message": "; ".join(self.errors)}
        return {"errors": self.errors}


@dataclass(frozen=True)
class Event:
    """One event, ready to be stored: ``body`` is canonical JSON; ``kind`` is run, job or dataset.

    ``aliases`` are the other names that it gives its datasets: the alias, the canonical name, and whether the naming
    rules (rather than the producer's symlink alone) say that both are one.
    """

    kind: str
    time: datetime
    body: dict[str, Any]
    aliases: tuple[tuple[DatasetName, DatasetName, bool], ...]

    @property
    def type(self) -> str:
        """The event type in capitals: START, COMPLETE …; empty where the producer gave none."""
        return str(self.body.get("eventType") or "").upper()

    @property
    def is_worth_keeping(self) -> bool:
        """False for a Trino query that only reads: probes, tests and people ask thousands a day, and none feeds a
        table.
        """
        facets = (self.body.get("run") or {}).get("facets") or {}
        return (facets.get("trino_query_context") or {}).get("query_type") != "SELECT" or bool(self.body.get("outputs"))

    @property
    def is_final(self) -> bool:
        return self.type in ("COMPLETE", "FAIL", "ABORT")


def read_event(raw: bytes | str, names: Names) -> Event:
    """The event in ``raw``.

    Raises:
        Refused: it is not JSON, not whole, of a wrong type, or bears a name that Marquez could not live with.
    """
    try:
        return _read(raw, names)
    except RecursionError:
        raise Refused(500, ["The event is nested too deeply"]) from None


def _read(raw: bytes | str, names: Names) -> Event:
    body = _decoded(raw)
    kind = _kind(body)
    try:
        MODELS[kind].model_validate(body)
    except ValidationError as error:
        missing, wrong = faults(error)
        raise Refused(500, wrong) if wrong else Refused(422, sorted(set(missing))) from error
    if body.get("eventTime") in (None, ""):
        raise Refused(422, ["eventTime must not be null"])
    return _canonical(kind, body, names)


def _decoded(raw: bytes | str) -> dict[str, Any]:
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        body = json.loads(text, parse_constant=_no_number) if text.strip() else None
    except (ValueError, RecursionError) as error:
        raise Refused(500, [f"The request body is not JSON: {error}"]) from None
    if body is None:
        raise Refused(422, ["The request body must not be null"])
    if not isinstance(body, dict):
        raise Refused(500, [f"Cannot deserialize an event from a {type(body).__name__}"])
    if "\\u0000" in text or "\\ud" in text.lower():
        body = _each_text(body, _storable)
    return _each_text(body, without_logins) if "@" in text or "password=" in text else body


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number in JSON")


def _storable(text: str) -> str:
    """``text`` with what PostgreSQL can't hold replaced: U+0000, and half a surrogate pair."""
    return text.encode(errors="surrogatepass").decode(errors="replace").replace("\0", "\ufffd")


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """``value`` with each text in it, and each key, changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_text(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): _each_text(item, change) for key, item in value.items()}
    return value


def _kind(body: dict[str, Any]) -> str:
    ending = str(body.get("schemaURL") or "").rsplit("/", 1)[-1]
    return {"DatasetEvent": "dataset", "JobEvent": "job"}.get(ending, "run")


def run_uuid(text: object) -> uuid.UUID:
    """The run id as a UUID; what is none becomes the name-based one (MD5, version 3) of its bytes, as in Marquez."""
    given = str(text)
    if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", given):
        return uuid.UUID(given)
    return uuid.UUID(bytes=hashlib.md5(given.encode(), usedforsecurity=False).digest(), version=3)


def _canonical(kind: str, body: dict[str, Any], names: Names) -> Event:
    for side in ("inputs", "outputs"):
        if body.get(side):
            body[side] = [each for item in body[side] for each in _topics(item)]
    datasets = [*(body.get("inputs") or []), *(body.get("outputs") or [])]
    if kind == "dataset":
        datasets = [body["dataset"]]
    _check_names(kind, body, datasets)
    aliases = {_given(item): names.canonical(*_given(item), _links(item)) for item in datasets}
    linked = {
        _given(link): aliases[_given(item)]
        for item in datasets
        for link in _links(item)
        if names.canonical(*_given(link)) != aliases[_given(item)]
    }
    for item in datasets:
        _rename(item, aliases, names)
    if kind == "run":
        body["run"]["runId"] = str(run_uuid(body["run"]["runId"]))
        body["run"]["facets"] = _trimmed(body["run"].get("facets"))
        _name_parent(body["run"].get("facets") or {}, names)
    if kind != "dataset":
        _name_job(body["job"], names)
        body["job"]["facets"] = _trimmed(body["job"].get("facets"))
    others = {DatasetName(*given): (to, False) for given, to in linked.items()}
    others |= {DatasetName(*given): (to, True) for given, to in aliases.items()}
    known_as = tuple((alias, to, by_rule) for alias, (to, by_rule) in others.items() if alias != to)
    return Event(kind, parsed_instant(body["eventTime"]), body, known_as)


def _topics(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The datasets in ``item``: Spark gives all topics of one read as one dataset, their names with commas between."""
    if not str(item["namespace"]).startswith("kafka://") or "," not in str(item["name"]):
        return [item]
    return [{**copy.deepcopy(item), "name": topic.strip()} for topic in item["name"].split(",") if topic.strip()]


def _check_names(kind: str, body: dict[str, Any], datasets: list[dict[str, Any]]) -> None:
    faulty = []
    for item in datasets:
        if not DATASET_NAMESPACE.match(str(item["namespace"])):
            faulty.append(f"dataset namespace {str(item['namespace'])[:80]!r} holds a character that no namespace may")
        faulty += [
            f"symlink namespace {link['namespace']!r} holds a character that no namespace may"
            for link in _links(item)
            if not DATASET_NAMESPACE.match(str(link["namespace"]))
        ]
        faulty += [] if item["name"] else ["dataset name must not be empty"]
        faulty += ["dataset name must not hold U+0000"] if "\ufffd" in str(item["name"]) else []
    if kind != "dataset":
        job = body["job"]
        faulty += [] if job["name"] else ["job.name must not be empty"]
        faulty += [] if 0 < len(str(job["namespace"])) <= 1024 else ["job.namespace must have 1 to 1024 characters"]
        faulty += ["job.name must not hold U+0000"] if "\ufffd" in str(job["name"]) else []
    if faulty:
        raise Refused(422, faulty)


def _given(item: dict[str, Any]) -> tuple[str, str]:
    return str(item["namespace"]), str(item["name"])


def _links(item: dict[str, Any]) -> list[dict[str, Any]]:
    return list(((item.get("facets") or {}).get("symlinks") or {}).get("identifiers") or [])


def _rename(item: dict[str, Any], aliases: dict[tuple[str, str], DatasetName], names: Names) -> None:
    """Give ``item``, and the sources that its column lineage names, the canonical name; keep the given one as a
    symlink.
    """
    given = _given(item)
    to = aliases[given]
    item["namespace"], item["name"] = to.namespace, to.name
    facets = _trimmed(item.get("facets"))
    if given != (to.namespace, to.name):
        facets = facets or {}
        own = {"namespace": given[0], "name": given[1], "type": "LOCATION" if "/" in given[1] else "TABLE"}
        rest = [link for link in _links(item) if names.canonical(*_given(link)) != to]
        facets["symlinks"] = {"_producer": PRODUCER, "_schemaURL": LINK_SCHEMA, "identifiers": [own, *rest]}
    if facets and facets.get("columnLineage"):
        lineage = facets["columnLineage"]
        used = [
            source for column in (lineage.get("fields") or {}).values() for source in column.get("inputFields") or []
        ]
        for source in [*used, *(lineage.get("dataset") or [])]:
            known = aliases.get(_given(source)) or names.canonical(*_given(source))
            source["namespace"], source["name"] = known.namespace, known.name
    item["facets"] = facets


def _name_job(job: dict[str, Any], names: Names) -> None:
    job["namespace"] = NOT_IN_JOB_NAMESPACE.sub("_", str(job["namespace"]))
    sql = ((job.get("facets") or {}).get("sql") or {}).get("query") or ""
    job["name"] = job_name(str(job["name"]), names=names, sql=str(sql))


def _name_parent(facets: dict[str, Any], names: Names) -> None:
    parent = facets.get("parent") or facets.get("parentRun")
    for place in (parent, (parent or {}).get("root")):
        if place and place.get("job") and place.get("run"):
            place["run"]["runId"] = str(run_uuid(place["run"]["runId"]))
            _name_job(place["job"], names)


def _trimmed(facets: dict[str, Any] | None) -> dict[str, Any] | None:
    """``facets`` without Trino's plans and statistics, which are 100 KB a query, and with a mark where one was too
    large.
    """
    if not facets:
        return facets
    kept = {}
    for name, facet in facets.items():
        if name in DROPPED_FACETS or facet is None:
            continue
        if isinstance(facet, dict):
            facet = {key: _without_conf(key, value) for key, value in facet.items() if key not in TRIMMED.get(name, ())}
        size = len(json.dumps(facet)) if isinstance(facet, dict | list | str) else 0
        typed = name in TYPED["run"] + TYPED["job"] + TYPED["dataset"]
        kept[name] = facet if size <= FACET_LIMIT or typed else {"_trimmed": f"{size} bytes were left out"}
    return kept


def _without_conf(key: str, value: Any) -> Any:
    """Airflow tells a run's conf, which may hold anything that somebody has typed."""
    if key == "dagRun" and isinstance(value, dict):
        return {name: part for name, part in value.items() if name != "conf"}
    return value
