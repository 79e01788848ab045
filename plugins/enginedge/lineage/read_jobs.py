"""Jobs and their versions in the shape that Marquez's API gives them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from enginedge.lineage.database import Connection
from enginedge.lineage.instants import written_instant
from enginedge.lineage.read_runs import latest_runs, run, runs_by_id

SELECT = "select j.*, p.name as parent_name, p.uuid as parent_uuid from job j left join job p on p.id = j.parent"
LATEST_RUNS = 10


def job_row(connection: Connection, namespace: str, name: str) -> dict[str, Any] | None:
    """The row of a job that was not deleted."""
    return connection.execute(
        f"{SELECT} where j.namespace = %s and j.name = %s and not j.hidden".encode(), [namespace, name]
    ).fetchone()


def jobs(
    connection: Connection, *, namespace: str | None, states: list[str], limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of jobs, the one that was updated last first, and how many there are (``states`` = of the latest run)."""
    where = """where not j.hidden and (%(namespace)s::text is null or j.namespace = %(namespace)s)
        and (%(states)s::text[] = '{}' or j.latest_run is null
             or (select state from run where run.id = j.latest_run) = any(%(states)s))"""
    parameters = {"namespace": namespace, "states": states, "limit": limit, "offset": offset}
    rows = connection.execute(
        f"{SELECT} {where} order by j.updated_at desc, j.id limit %(limit)s offset %(offset)s".encode(), parameters
    ).fetchall()
    counting = f"select count(*) as n from job j {where}".encode()  # noqa: S608
    counted = connection.execute(counting, parameters).fetchone()
    return shaped(connection, rows), counted["n"] if counted else 0


def shaped(connection: Connection, rows: list[dict[str, Any]], *, with_runs: bool = True) -> list[dict[str, Any]]:
    """The rows of jobs as the API shows them; ``with_runs=False`` leaves the runs null, as for a job just written."""
    ids = [row["id"] for row in rows]
    ties = datasets_of(connection, ids)
    runs = latest_runs(connection, ids, LATEST_RUNS) if with_runs else {}
    return [_shape(row, ties, runs.get(row["id"])) for row in rows]


def datasets_of(connection: Connection, jobs: list[int], *, in_graph: bool = False) -> dict[tuple[int, str], list[Any]]:
    """What each job reads (``in``) and writes (``out``), as dataset ids of the API."""
    ties: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for row in connection.execute(
        """select t.job, t.direction, d.namespace, d.name from job_dataset t join dataset d on d.id = t.dataset
           where t.job = any(%s) and not d.hidden and (t.in_graph or not %s) order by d.namespace, d.name""",
        [jobs, in_graph],
    ):
        ties[row["job"], row["direction"]].append({"namespace": row["namespace"], "name": row["name"]})
    return ties


def _shape(row: dict[str, Any], ties: dict[tuple[int, str], list[Any]], runs: list[Any] | None) -> dict[str, Any]:
    return {
        "id": {"namespace": row["namespace"], "name": row["name"]},
        "type": row["type"],
        "name": row["name"],
        "simpleName": row["simple_name"],
        "parentJobName": row["parent_name"],
        "parentJobUuid": row["parent_uuid"] and str(row["parent_uuid"]),
        "createdAt": written_instant(row["created_at"]),
        "updatedAt": written_instant(row["updated_at"]),
        "namespace": row["namespace"],
        "inputs": ties[row["id"], "in"],
        "outputs": ties[row["id"], "out"],
        "location": row["location"],
        "description": row["description"],
        "latestRun": runs[0] if runs else None,
        "latestRuns": runs or None,
        "facets": row["facets"],
        "currentVersion": row["current_version"] and str(row["current_version"]),
        "labels": row["labels"],
        "tags": row["tags"],
    }


def node(row: dict[str, Any], ties: dict[tuple[int, str], list[Any]], latest: dict[str, Any] | None) -> dict[str, Any]:
    """A job as a node of the graph shows it: without its own facets, with its latest run."""
    shape = _shape(row, ties, None)
    kept = ("id", "type", "name", "simpleName", "parentJobName", "parentJobUuid")
    then = ("createdAt", "updatedAt", "namespace", "inputs", "outputs", "location", "description")
    return (
        {key: shape[key] for key in kept}
        | {"currentRunUuid": latest and latest["id"]}
        | {key: shape[key] for key in then}
        | {"latestRun": latest}
    )


def versions(connection: Connection, row: dict[str, Any], limit: int, offset: int) -> list[dict[str, Any]]:
    """A page of a job's versions, the newest first."""
    found = connection.execute(
        "select * from job_version where job = %s order by created_at desc, version limit %s offset %s",
        [row["id"], limit, offset],
    ).fetchall()
    runs = runs_by_id(connection, [version["latest_run"] for version in found if version["latest_run"]])
    return [_version(row, version, runs.get(version["latest_run"])) for version in found]


def version(connection: Connection, row: dict[str, Any], version_id: uuid.UUID) -> dict[str, Any] | None:
    """One version of a job, or ``None``."""
    found = connection.execute(
        "select * from job_version where job = %s and version = %s", [row["id"], version_id]
    ).fetchone()
    if found is None:
        return None
    return _version(row, found, found["latest_run"] and run(connection, found["latest_run"]))


def _version(row: dict[str, Any], found: dict[str, Any], latest: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": {"namespace": row["namespace"], "name": row["name"], "version": str(found["version"])},
        "name": row["name"],
        "createdAt": written_instant(found["created_at"]),
        "version": str(found["version"]),
        "namespace": row["namespace"],
        "location": found["location"],
        "inputs": found["inputs"],
        "outputs": found["outputs"],
        "latestRun": latest,
    }
