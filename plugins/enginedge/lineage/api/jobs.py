"""Jobs, their versions, their runs and their tags."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from enginedge.lineage import read_jobs, read_runs
from enginedge.lineage.api.asked import (
    JobName,
    Namespace,
    Paging,
    Store,
    TagName,
    answer,
    choice,
    identifier,
    missing,
    not_found,
    refused,
)
from enginedge.lineage.database import Connection, one
from enginedge.lineage.instants import parsed_instant
from enginedge.lineage.naming import DatasetName
from enginedge.lineage.project_datasets import identify
from enginedge.lineage.project_runs import close_version

router = APIRouter(prefix="/api/v1")
STATES = ["NEW", "RUNNING", "COMPLETED", "ABORTED", "FAILED", "OTHER"]
MOVES = {"start": "RUNNING", "complete": "COMPLETED", "fail": "FAILED", "abort": "ABORTED"}


class Id(BaseModel):
    """A dataset that a job reads or writes."""

    namespace: str
    name: str


class JobMeta(BaseModel):
    """What a client says of a job."""

    type: str = "BATCH"
    inputs: list[Id] = []
    outputs: list[Id] = []
    location: str | None = None
    description: str | None = None


class RunMeta(BaseModel):
    """What a client says of a run that it begins."""

    id: uuid.UUID | None = None
    nominalStartTime: datetime | None = None
    nominalEndTime: datetime | None = None
    args: dict[str, str] = {}


def job_or_404(connection: Connection, namespace: str, name: str) -> dict[str, Any]:
    """The row of a job; the answer says whether the namespace or the job is unknown."""
    row = read_jobs.job_row(connection, namespace, name)
    if row is None:
        known = one(connection, "select 1 from namespace where name = %s", [namespace])
        raise not_found("Job", name) if known else not_found("Namespace", namespace)
    return row


@router.get("/jobs")
def list_all_jobs(database: Store, request: Request, page: Paging) -> JSONResponse:
    return _list(database, request, page, None)


@router.get("/namespaces/{namespace}/jobs")
def list_jobs(database: Store, request: Request, namespace: Namespace, page: Paging) -> JSONResponse:
    return _list(database, request, page, namespace)


def _list(database: Store, request: Request, page: Paging, namespace: str | None) -> JSONResponse:
    states = [
        choice(given, "lastRunStates", STATES) for given in request.query_params.getlist("lastRunStates") if given
    ]
    with database.reading() as connection:
        jobs, total = read_jobs.jobs(
            connection, namespace=namespace, states=states, limit=page.limit, offset=page.offset
        )
    return answer({"totalCount": total, "jobs": jobs})


@router.get("/namespaces/{namespace}/jobs/{job}")
def get_job(database: Store, namespace: Namespace, job: JobName) -> JSONResponse:
    with database.reading() as connection:
        return answer(read_jobs.shaped(connection, [job_or_404(connection, namespace, job)])[0])


@router.put("/namespaces/{namespace}/jobs/{job}")
def put_job(database: Store, namespace: Namespace, job: JobName, meta: JobMeta) -> JSONResponse:
    at = datetime.now(UTC)
    with database.writing() as connection:
        if one(connection, "select 1 from namespace where name = %s", [namespace]) is None:
            raise not_found("Namespace", namespace)
        connection.execute(
            """insert into job (namespace, name, simple_name, type, location, description, created_at, updated_at)
               values (%s, %s, %s, %s, %s, %s, %s, %s)
               on conflict (namespace, name) do update set type = excluded.type, location = excluded.location,
                   description = excluded.description, updated_at = excluded.updated_at, hidden = false""",
            [namespace, job, job, meta.type, meta.location, meta.description, at, at],
        )
        row = job_or_404(connection, namespace, job)
        for direction, listed in (("in", meta.inputs), ("out", meta.outputs)):
            ids = identify(connection, [DatasetName(named.namespace, named.name) for named in listed], at)
            connection.execute(
                """insert into job_dataset select %s, q.id, %s, true from unnest(%s::bigint[]) as q(id)
                   on conflict (job, dataset, direction) do update set in_graph = true""",
                [row["id"], direction, list(ids.values())],
            )
        return answer(read_jobs.shaped(connection, [row], with_runs=False)[0])


@router.delete("/namespaces/{namespace}/jobs/{job}")
def delete_job(database: Store, namespace: Namespace, job: JobName) -> JSONResponse:
    """Hide a job; a later event brings it back."""
    with database.writing() as connection:
        row = job_or_404(connection, namespace, job)
        connection.execute("update job set hidden = true where id = %s", [row["id"]])
        return answer(read_jobs.shaped(connection, [row], with_runs=False)[0])


@router.post("/namespaces/{namespace}/jobs/{job}/tags/{tag}")
def add_tag(database: Store, namespace: Namespace, job: JobName, tag: TagName) -> JSONResponse:
    return _tagged(database, namespace, job, "array_append(array_remove(tags, %s), %s)", [tag, tag], tag)


@router.delete("/namespaces/{namespace}/jobs/{job}/tags/{tag}")
def remove_tag(database: Store, namespace: Namespace, job: JobName, tag: TagName) -> JSONResponse:
    return _tagged(database, namespace, job, "array_remove(tags, %s)", [tag], None)


def _tagged(database: Store, namespace: str, job: str, change: str, values: list[str], new: str | None) -> JSONResponse:
    with database.writing() as connection:
        row = job_or_404(connection, namespace, job)
        if new is not None:
            connection.execute("insert into tag values (%s) on conflict do nothing", [new])
        connection.execute(f"update job set tags = {change} where id = %s".encode(), [*values, row["id"]])  # noqa: S608
        return answer(read_jobs.shaped(connection, [job_or_404(connection, namespace, job)], with_runs=False)[0])


@router.get("/namespaces/{namespace}/jobs/{job}/versions")
def list_versions(database: Store, namespace: Namespace, job: JobName, page: Paging) -> JSONResponse:
    with database.reading() as connection:
        row = job_or_404(connection, namespace, job)
        return answer({"versions": read_jobs.versions(connection, row, page.limit, page.offset)})


@router.get("/namespaces/{namespace}/jobs/{job}/versions/{version}")
def get_version(database: Store, namespace: Namespace, job: JobName, version: str) -> JSONResponse:
    version_id = identifier(version)
    with database.reading() as connection:
        found = read_jobs.version(connection, job_or_404(connection, namespace, job), version_id)
    if found is None:
        raise not_found("Job version", version)
    return answer(found)


@router.get("/namespaces/{namespace}/jobs/{job}/runs")
def list_runs(database: Store, namespace: Namespace, job: JobName, page: Paging) -> JSONResponse:
    with database.reading() as connection:
        row = job_or_404(connection, namespace, job)
        runs, total = read_runs.runs_of_job(connection, row["id"], page.limit, page.offset)
    return answer({"runs": runs, "totalCount": total})


@router.post("/namespaces/{namespace}/jobs/{job}/runs")
def create_run(database: Store, namespace: Namespace, job: JobName, meta: RunMeta) -> JSONResponse:
    run_id = meta.id or uuid.uuid4()
    with database.writing() as connection:
        row = job_or_404(connection, namespace, job)
        if read_runs.run(connection, run_id):
            raise refused(f"Run '{run_id}' already exists for '{job}' under namespace '{namespace}'.")
        connection.execute(
            """insert into run (id, job, state, nominal_start, nominal_end, args, created_at, updated_at)
               values (%s, %s, 'NEW', %s, %s, %s, now(), now())""",
            [run_id, row["id"], meta.nominalStartTime, meta.nominalEndTime, Jsonb(meta.args)],
        )
        connection.execute("update job set latest_run = %s where id = %s", [run_id, row["id"]])
        return answer(read_runs.run(connection, run_id), 201)


@router.get("/jobs/runs/{run}")
def get_run(database: Store, run: str) -> JSONResponse:
    with database.reading() as connection:
        found = read_runs.run(connection, identifier(run))
    if found is None:
        raise not_found("Run", run)
    return answer(found)


@router.get("/jobs/runs/{run}/facets")
def get_facets(database: Store, request: Request, run: str) -> Response:
    run_id = identifier(run)
    if not request.query_params.get("type"):
        raise missing("type")
    kind = choice(request.query_params["type"], "type", ["DATASET", "JOB", "RUN"])
    with database.reading() as connection:
        row = one(connection, "select facets, job_facets from run where id = %s", [run_id])
    if row is None:
        raise not_found("Run", run)
    facets = {"RUN": row["facets"], "JOB": row["job_facets"], "DATASET": {}}[kind]
    return answer({"runId": str(run_id), "facets": facets}) if facets else Response(status_code=200)


@router.post("/jobs/runs/{run}/{move}")
def move_run(database: Store, request: Request, run: str, move: str) -> JSONResponse:
    """Mark a run as started, completed, failed or aborted, at the instant ``at``."""
    if move not in MOVES:
        raise refused("HTTP 404 Not Found", 404)
    given = request.query_params.get("at")
    try:
        at = parsed_instant(given) if given else datetime.now(UTC)
    except ValueError as error:
        raise refused(f"Parameter is invalid: {error}") from error
    with database.writing() as connection:
        row = connection.execute(
            """update run set state = %(state)s, updated_at = %(at)s,
                   started_at = case when %(starts)s then %(at)s else started_at end,
                   ended_at = case when %(starts)s then ended_at else %(at)s end
               where id = %(id)s returning job""",
            {"state": MOVES[move], "at": at, "starts": move == "start", "id": identifier(run)},
        ).fetchone()
        if row is None:
            raise not_found("Run", run)
        if move != "start":
            close_version(connection, row["job"], identifier(run), at)
        return answer(read_runs.run(connection, identifier(run)))
