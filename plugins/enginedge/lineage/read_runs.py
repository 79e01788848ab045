"""Runs in the shape that Marquez's API gives them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from enginedge.lineage.database import Connection
from enginedge.lineage.instants import written_instant

SELECT = """select r.*, j.namespace as job_namespace, j.name as job_name from run r join job j on j.id = r.job"""


def runs_by_id(connection: Connection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """The runs with these ids, as far as there are any."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    rows = connection.execute(f"{SELECT} where r.id = any(%s)".encode(), [wanted]).fetchall()
    return dict(zip([row["id"] for row in rows], shaped(connection, rows), strict=True))


def run(connection: Connection, run_id: uuid.UUID) -> dict[str, Any] | None:
    """One run, or ``None``."""
    return runs_by_id(connection, [run_id]).get(run_id)


def runs_of_job(connection: Connection, job: int, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """A page of a job's runs, the one that started last first, and how many there are."""
    rows = connection.execute(
        f"""{SELECT} where r.job = %s order by r.started_at desc nulls last, r.created_at desc, r.id
            limit %s offset %s""".encode(),
        [job, limit, offset],
    ).fetchall()
    counted = connection.execute("select count(*) as n from run where job = %s", [job]).fetchone()
    return shaped(connection, rows), counted["n"] if counted else 0


def latest_runs(connection: Connection, jobs: list[int], count: int) -> dict[int, list[dict[str, Any]]]:
    """The last ``count`` runs of each job, by when they began to be known."""
    rows = connection.execute(
        f"""select q.* from unnest(%s::bigint[]) as wanted(job)
            cross join lateral ({SELECT} where r.job = wanted.job
                                order by coalesce(r.started_at, r.created_at) desc, r.created_at desc
                                limit %s) q""".encode(),  # noqa: S608
        [jobs, count],
    ).fetchall()
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row, shape in zip(rows, shaped(connection, rows), strict=True):
        found[row["job"]].append(shape)
    return found


def shaped(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of runs as the API shows them, with the dataset versions that they read and wrote."""
    datasets: dict[tuple[uuid.UUID, str], list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(
        """select t.run_id, t.direction, t.version, t.facets, d.namespace, d.name
           from run_dataset t join dataset d on d.id = t.dataset
           where t.run_id = any(%s) and t.version is not null order by d.namespace, d.name""",
        [[row["id"] for row in rows]],
    ):
        version = {"namespace": row["namespace"], "name": row["name"], "version": str(row["version"])}
        datasets[row["run_id"], row["direction"]].append({"datasetVersionId": version, "facets": row["facets"]})
    return [_shape(row, datasets[row["id"], "in"], datasets[row["id"], "out"]) for row in rows]


def _shape(row: dict[str, Any], inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    started, ended = row["started_at"], row["ended_at"]
    version = row["job_version"] and {
        "namespace": row["job_namespace"],
        "name": row["job_name"],
        "version": str(row["job_version"]),
    }
    return {
        "id": str(row["id"]),
        "createdAt": written_instant(row["created_at"]),
        "updatedAt": written_instant(row["updated_at"]),
        "nominalStartTime": written_instant(row["nominal_start"]),
        "nominalEndTime": written_instant(row["nominal_end"]),
        "state": row["state"],
        "startedAt": written_instant(started),
        "endedAt": written_instant(ended),
        "durationMs": round((ended - started).total_seconds() * 1000) if started and ended else None,
        "args": row["args"],
        "jobVersion": version,
        "inputDatasetVersions": inputs,
        "outputDatasetVersions": outputs,
        "facets": row["facets"],
    }
