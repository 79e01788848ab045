"""The graph over what was stored: which job feeds which dataset, and which column comes from which.

:func:`lineage` and :func:`column_lineage` answer as Marquez does. :func:`walk_to_sources` answers the question that
lineage is kept for: from which fields of the platform's own stores does this column come, and by which way?
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from enginedge.lineage import read_datasets, read_jobs
from enginedge.lineage.database import Connection
from enginedge.lineage.project_datasets import VERSIONS
from enginedge.lineage.read_runs import runs_by_id

MOST_STEPS = 200


def lineage(connection: Connection, *, job: int | None, dataset: int | None, depth: int) -> list[dict[str, Any]]:
    """The nodes around one job or dataset: its jobs with their datasets, and ``depth`` further steps each way."""
    datasets = {dataset} if dataset is not None else set()
    jobs: set[int] = {job} if job is not None else set()
    if dataset is not None:
        jobs = _jobs_around(connection, datasets)
    frontier = jobs
    for step in range(min(depth, MOST_STEPS) + 1):
        fresh = _datasets_around(connection, frontier) - datasets
        datasets |= fresh
        if step == depth or not fresh:
            break
        frontier = _jobs_around(connection, fresh) - jobs
        jobs |= frontier
        if not frontier:
            break
    return _nodes(connection, jobs, datasets)


def _jobs_around(connection: Connection, datasets: set[int]) -> set[int]:
    rows = connection.execute(
        """select distinct t.job from job_dataset t join job j on j.id = t.job
           where t.dataset = any(%s) and t.in_graph and not j.hidden""",
        [list(datasets)],
    )
    return {row["job"] for row in rows}


def _datasets_around(connection: Connection, jobs: set[int]) -> set[int]:
    rows = connection.execute(
        """select distinct t.dataset from job_dataset t join dataset d on d.id = t.dataset
           where t.job = any(%s) and t.in_graph and not d.hidden""",
        [list(jobs)],
    )
    return {row["dataset"] for row in rows}


def _nodes(connection: Connection, jobs: set[int], datasets: set[int]) -> list[dict[str, Any]]:
    edges = connection.execute(
        "select * from job_dataset where job = any(%s) and dataset = any(%s) and in_graph", [list(jobs), list(datasets)]
    ).fetchall()
    dataset_rows = connection.execute("select * from dataset where id = any(%s)", [list(datasets)]).fetchall()
    job_rows = connection.execute(f"{read_jobs.SELECT} where j.id = any(%s)".encode(), [list(jobs)]).fetchall()
    ties = read_jobs.datasets_of(connection, list(jobs), in_graph=True)
    runs = runs_by_id(connection, [row["latest_run"] for row in job_rows if row["latest_run"]])
    names = {("dataset", row["id"]): f"dataset:{row['namespace']}:{row['name']}" for row in dataset_rows}
    names |= {("job", row["id"]): f"job:{row['namespace']}:{row['name']}" for row in job_rows}
    inward, outward = defaultdict(list), defaultdict(list)
    for edge in edges:
        pair = [names["dataset", edge["dataset"]], names["job", edge["job"]]]
        origin, destination = pair if edge["direction"] == "in" else reversed(pair)
        drawn = {"origin": origin, "destination": destination}
        outward[origin].append(drawn)
        inward[destination].append(drawn)
    shapes = [(names["dataset", row["id"]], "DATASET", read_datasets.node(row)) for row in dataset_rows]
    shapes += [
        (names["job", row["id"]], "JOB", read_jobs.node(row, ties, runs.get(row["latest_run"]))) for row in job_rows
    ]
    return [
        {"id": name, "type": kind, "data": data, "inEdges": inward[name], "outEdges": outward[name]}
        for name, kind, data in sorted(shapes, key=lambda shape: shape[0])
    ]


Field = tuple[int, str]


def column_lineage(
    connection: Connection, start: set[Field], *, depth: int, downstream: bool, version: str | None = None
) -> list[dict[str, Any]]:
    """The columns upstream of ``start`` (and downstream, if asked), ``depth`` steps far; edges run from column to
    source.
    """
    edges: dict[tuple[Field, Field], dict[str, Any]] = {}
    for toward in ("target", "source") if downstream else ("target",):
        seen, frontier = set(start), set(start)
        for _ in range(min(max(depth, 1), MOST_STEPS)):
            found = _column_edges(connection, frontier, toward)
            edges |= found
            ends = {edge[1] if toward == "target" else edge[0] for edge in found}
            frontier = ends - seen
            seen |= frontier
            if not frontier:
                break
    return _field_nodes(connection, edges, version)


def _column_edges(connection: Connection, fields: set[Field], toward: str) -> dict[tuple[Field, Field], dict[str, Any]]:
    rows = connection.execute(
        f"""select distinct on (e.target, e.target_field, e.source, e.source_field) e.*
            from unnest(%s::bigint[], %s::text[]) as q(dataset, field)
            join column_edge e on e.{toward} = q.dataset and e.{toward}_field = q.field
            order by e.target, e.target_field, e.source, e.source_field, e.updated_at desc""".encode(),  # noqa: S608
        [[field[0] for field in fields], [field[1] for field in fields]],
    )
    return {((row["target"], row["target_field"]), (row["source"], row["source_field"])): row for row in rows}


def _field_nodes(
    connection: Connection, edges: dict[tuple[Field, Field], dict[str, Any]], version: str | None
) -> list[dict[str, Any]]:
    fields = {field for edge in edges for field in edge}
    rows = {
        row["id"]: row
        for row in connection.execute("select * from dataset where id = any(%s)", [[field[0] for field in fields]])
    }
    mark = f"#{version}" if version else ""

    def name(field: Field) -> str:
        row = rows[field[0]]
        return f"datasetField:{row['namespace']}:{row['name']}:{field[1]}{mark}"

    inward, outward, sources = defaultdict(list), defaultdict(list), defaultdict(list)
    for (target, source), row in edges.items():
        inward[target].append({"origin": name(target), "destination": name(source)})
        outward[source].append({"origin": name(source), "destination": name(target)})
        sources[target].append((source, row))
    return [
        {
            "id": name(field),
            "type": "DATASET_FIELD",
            "data": _field(
                rows[field[0]], field[1], [(rows[source[0]], source[1], row) for source, row in sources[field]]
            ),
            "inEdges": inward[field],
            "outEdges": outward[field],
        }
        for field in sorted(fields, key=name)
    ]


def _field(
    row: dict[str, Any], field: str, sources: list[tuple[dict[str, Any], str, dict[str, Any]]]
) -> dict[str, Any]:
    first = sources[0][2] if sources else {}
    kinds = {column["name"]: column.get("type") for column in row["fields"]}
    return {
        "namespace": row["namespace"],
        "dataset": row["name"],
        "datasetVersion": _version(row),
        "field": field,
        "fieldType": (kinds.get(field) or "") if sources else "",
        "transformationDescription": first.get("description"),
        "transformationType": first.get("type"),
        "inputFields": [
            {
                "namespace": source["namespace"],
                "dataset": source["name"],
                "datasetVersion": _version(source),
                "field": source_field,
                "transformationDescription": edge["description"],
                "transformationType": edge["type"],
            }
            for source, source_field, edge in sources
        ],
    }


def _version(row: dict[str, Any]) -> str:
    """The dataset's version; one that was only ever named as a source gets a steady stand-in."""
    return str(row["current_version"] or row["last_version"] or uuid.uuid5(VERSIONS, str(row["id"])))
