"""The graph of jobs and datasets, and the graph of columns.

Node ids are ``dataset:<namespace>:<name>``, ``job:<namespace>:<name>`` and
``datasetField:<namespace>:<dataset>:<field>``, split at colons, except those before ``//`` or a port, which belong to
the namespace.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from enginedge.lineage.api.asked import Answered, Store, answer, identifier, missing, no_route, refused, whole_number
from enginedge.lineage.database import Connection, one
from enginedge.lineage.graph import column_lineage, lineage
from enginedge.lineage.read_datasets import dataset_row
from enginedge.lineage.read_jobs import job_row

router = APIRouter(prefix="/api/v1")
DEFAULT_DEPTH = 20
COLON = re.compile(r":(?!//|\d+[:/,;])")
PARTS = {"dataset": 3, "job": 3, "datasetField": 4, "run": 2}
NO_NODE = {"code": 404, "message": "Could not find node"}


class Node(NamedTuple):
    """A node id, taken apart."""

    kind: str
    namespace: str
    name: str
    field: str
    version: str


def node_of(request: Request) -> Node:
    """The node that is asked for; what is none is no such path, and one with too few parts is refused."""
    given = request.query_params.get("nodeId", "")
    if not given:
        raise missing("nodeId")
    kind = given.partition(":")[0]
    if kind not in PARTS or ":" not in given:
        raise no_route()
    given, _, version = given.partition("#") if re.search(r"#[0-9a-f-]+$", given) else (given, "", "")
    parts = COLON.split(given, PARTS[kind] - 1)
    if len(parts) < PARTS[kind]:
        raise refused(f"Node '{given}' must have {PARTS[kind]} parts")
    kind, namespace, name, field = [*parts, "", ""][:4]
    return Node(kind, namespace, name, field, version)


def _depth(request: Request) -> int:
    """How many steps to walk; less than none is none."""
    return 0 if request.query_params.get("depth", "").startswith("-") else whole_number(request, "depth", DEFAULT_DEPTH)


@router.get("/lineage")
def get_lineage(database: Store, request: Request) -> JSONResponse:
    node = node_of(request)
    depth = _depth(request)
    if node.kind not in ("dataset", "job"):
        given = request.query_params["nodeId"]
        raise Answered(404, {"code": 404, "message": f"Node '{given}' must be of type dataset or job!"})
    with database.reading() as connection:
        look = dataset_row if node.kind == "dataset" else job_row
        row = look(connection, node.namespace, node.name)
        if row is None:
            raise refused(f"{node.kind.capitalize()} '{node.name}' not found.", 404)
        return answer(
            {"graph": lineage(connection, depth=depth, **{"job": None, "dataset": None, node.kind: row["id"]})}
        )


@router.get("/column-lineage")
def get_column_lineage(database: Store, request: Request) -> JSONResponse:
    node = node_of(request)
    depth = _depth(request)
    downstream = request.query_params.get("withDownstream", "").lower() == "true"
    if node.kind == "run":
        raise refused("A run has no columns")
    if node.version and downstream:
        raise Answered(400, {"errors": ["Node version cannot be specified when withDownstream is true"]})
    with database.reading() as connection:
        start = _start(connection, node)
        return answer(
            {"graph": column_lineage(connection, start, depth=depth, downstream=downstream, version=node.version)}
        )


def _start(connection: Connection, node: Node) -> set[tuple[int, str]]:
    """The columns that the node means: one, those of a dataset, or those that a job writes."""
    if node.kind == "job":
        row = job_row(connection, node.namespace, node.name)
        where, parameters = "e.job = %(job)s", {"job": row and row["id"]}
    else:
        row = dataset_row(connection, node.namespace, node.name)
        where = "(e.target = %(dataset)s or e.source = %(dataset)s)"
        parameters = {"dataset": row and row["id"]}
        if row and node.version:
            row = one(connection, "select fields from dataset_version where version = %s", [identifier(node.version)])
    found: list[dict[str, Any]] = []
    if row is not None:
        found = connection.execute(f"select e.* from column_edge e where {where}".encode(), parameters).fetchall()  # noqa: S608
    places = {(edge["target"], edge["target_field"]) for edge in found}
    if node.kind != "job":
        places |= {(edge["source"], edge["source_field"]) for edge in found}
        places = {place for place in places if place[0] == parameters["dataset"]}
    if node.kind == "datasetField":
        places = {place for place in places if place[1] == node.field}
    described = node.kind == "dataset" and row is not None and row.get("fields")
    if not places and not described:
        raise Answered(404, NO_NODE)
    return places
