"""Folds an event into the tables that are read: jobs, their versions, their runs, and what they read and write.

It follows Marquez where its clients can see it, and departs where it loses something: a START that arrives late does
not reopen a finished run, an event without datasets does not take a job's edges away, a parent that nobody has spoken
for yet is made in the namespace that the child names, and its state is a guess until it speaks for itself.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from psycopg.types.json import Jsonb

from enginedge.lineage.database import Connection
from enginedge.lineage.events import NOT_IN_JOB_NAMESPACE, Event
from enginedge.lineage.instants import parsed_instant, written_instant
from enginedge.lineage.project_datasets import (
    VERSIONS,
    Told,
    add_versions,
    describe,
    draw_columns,
    identify,
    remember_aliases,
    told_by,
)

STATES = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
FINAL_STATES = ("COMPLETED", "FAILED", "ABORTED")


def project(connection: Connection, event: Event) -> None:
    """Fold one event into the projection, in the caller's transaction."""
    told = told_by(event)
    _touch_namespaces(connection, event, told)
    remember_aliases(connection, event, event.time)
    ids = identify(connection, [one.name for one in told], event.time)
    for one in told:
        one.id = ids[one.name]
    if told:
        describe(connection, told, event.time)
    if event.kind == "dataset":
        return add_versions(connection, told, None, event.time, final=True)
    run_id = uuid.UUID(event.body["run"]["runId"]) if event.kind == "run" else None
    job = _job(connection, event, run_id)
    if run_id is not None:
        _run(connection, event, run_id, job)
    if told:
        add_versions(connection, told, run_id, event.time, final=event.is_final or event.kind == "job")
        draw_columns(connection, told, job["id"], event.time)
    _tie_datasets(connection, event, run_id, job, told)
    if event.is_final or event.kind == "job":
        close_version(connection, job["id"], run_id, event.time)
    return None


def _touch_namespaces(connection: Connection, event: Event, told: list[Told]) -> None:
    names = {one.name.namespace for one in told} | {alias.namespace for alias, _, _ in event.aliases}
    if event.kind != "dataset":
        names.add(event.body["job"]["namespace"])
    connection.execute(
        """insert into namespace (name, created_at, updated_at) select name, %s, %s from unnest(%s::text[]) as q(name)
           on conflict (name) do update set hidden = false where namespace.hidden""",
        [event.time, event.time, sorted(names)],
    )


def _parent_facet(event: Event) -> dict[str, Any] | None:
    facets = (event.body.get("run") or {}).get("facets") or {}
    found: dict[str, Any] | None = facets.get("parent") or facets.get("parentRun")
    return found


def _job(connection: Connection, event: Event, run_id: uuid.UUID | None) -> dict[str, Any]:
    """The row of the event's job; a child is called ``<parent>.<name>``, and a run's job is not made twice."""
    namespace, simple = event.body["job"]["namespace"], event.body["job"]["name"]
    parent = _parent_facet(event)
    parent_job = _parent(connection, event, parent) if parent else None
    parent_id: int | None = parent_job["id"] if parent_job else None
    name = simple
    if parent is not None:
        prefix = f"{parent['job']['name']}."
        simple = simple.removeprefix(prefix)
        name = prefix + simple if f"{simple}." != prefix else simple
    elif run_id is not None:
        known = connection.execute(
            "select j.* from run r join job j on j.id = r.job where r.id = %s and j.namespace = %s",
            [run_id, namespace],
        ).fetchone()
        if known and simple in (known["name"], known["simple_name"]):
            name, simple = known["name"], known["simple_name"]
    return _upsert_job(connection, event, namespace, name, simple, parent_id)


def _upsert_job(
    connection: Connection, event: Event, namespace: str, name: str, simple: str, parent: int | None
) -> dict[str, Any]:
    facets = event.body["job"].get("facets") or {}
    kind = facets.get("jobType") or {}
    found = connection.execute(
        """insert into job (namespace, name, simple_name, parent, type, integration, location, description, facets,
                            labels, created_at, updated_at)
           values (%(namespace)s, %(name)s, %(simple)s, %(parent)s, %(type)s, %(integration)s, %(location)s,
                   %(description)s, %(facets)s, %(labels)s, %(at)s, %(at)s)
           on conflict (namespace, name) do update set
               parent = coalesce(excluded.parent, job.parent), facets = job.facets || excluded.facets,
               type = case when %(integration)s::text is null then job.type else excluded.type end,
               integration = coalesce(excluded.integration, job.integration),
               location = coalesce(excluded.location, job.location),
               description = coalesce(excluded.description, job.description),
               labels = case when excluded.labels = '{}' then job.labels else excluded.labels end,
               updated_at = greatest(job.updated_at, excluded.updated_at), hidden = false
           returning *""",
        {
            "namespace": namespace,
            "name": name,
            "simple": simple,
            "parent": parent,
            "type": "STREAM" if str(kind.get("processingType")).upper() == "STREAMING" else "BATCH",
            "integration": kind.get("integration"),
            "location": (facets.get("sourceCodeLocation") or {}).get("url"),
            "description": (facets.get("documentation") or {}).get("description"),
            "facets": Jsonb(facets),
            "labels": [str(kind[key]) for key in ("jobType", "integration") if kind.get(key)],
            "at": event.time,
        },
    ).fetchone()
    assert found is not None  # noqa: S101 - an upsert returns its row
    return found


def _parent(connection: Connection, event: Event, facet: dict[str, Any]) -> dict[str, Any]:
    """The job of the parent run; both are made where nothing is known of them yet."""
    run_id = uuid.UUID(facet["run"]["runId"])
    known = connection.execute(
        "select j.*, r.has_spoken from run r join job j on j.id = r.job where r.id = %s", [run_id]
    ).fetchone()
    namespace, name = NOT_IN_JOB_NAMESPACE.sub("_", facet["job"]["namespace"]), facet["job"]["name"]
    if known is None:
        connection.execute(
            "insert into namespace (name, created_at, updated_at) values (%s, %s, %s) on conflict do nothing",
            [namespace, event.time, event.time],
        )
        connection.execute(
            """insert into job (namespace, name, simple_name, created_at, updated_at) values (%s, %s, %s, %s, %s)
               on conflict (namespace, name) do update set hidden = false""",
            [namespace, name, name, event.time, event.time],
        )
        known = connection.execute("select * from job where namespace = %s and name = %s", [namespace, name]).fetchone()
    assert known is not None  # noqa: S101 - it was inserted above
    if not known.get("has_spoken"):
        state = STATES.get(event.type, "RUNNING")
        connection.execute(
            """insert into run (id, job, state, has_spoken, started_at, ended_at, created_at, updated_at)
               values (%(id)s, %(job)s, %(state)s, false, %(start)s, %(end)s, %(at)s, %(at)s)
               on conflict (id) do update set state = excluded.state, updated_at = excluded.updated_at,
                   ended_at = excluded.ended_at where not run.has_spoken""",
            {
                "id": run_id,
                "job": known["id"],
                "state": state,
                "start": None if event.is_final else event.time,
                "end": event.time if event.is_final else None,
                "at": event.time,
            },
        )
        connection.execute("update job set latest_run = %s where id = %s and latest_run is null", [run_id, known["id"]])
    return known


def _run(connection: Connection, event: Event, run_id: uuid.UUID, job: dict[str, Any]) -> None:
    facets = event.body["run"].get("facets") or {}
    nominal = facets.get("nominalTime") or {}
    parent = _parent_facet(event)
    made = connection.execute(
        """insert into run (id, job, parent, state, started_at, ended_at, nominal_start, nominal_end, args, facets,
                            job_facets, created_at, updated_at)
           values (%(id)s, %(job)s, %(parent)s, %(state)s, %(start)s, %(end)s, %(from)s, %(to)s, %(args)s,
                   %(facets)s, %(job_facets)s, %(at)s, %(at)s)
           on conflict (id) do update set
               state = case when %(type)s = '' then run.state
                            when run.has_spoken and %(end)s::timestamptz is null and run.ended_at >= %(at)s
                            then run.state
                            else excluded.state end,
               job = case when run.has_spoken then run.job else excluded.job end, has_spoken = true,
               parent = coalesce(excluded.parent, run.parent),
               started_at = case when %(type)s = 'START' then %(at)s
                                 else coalesce(run.started_at, excluded.started_at) end,
               ended_at = coalesce(excluded.ended_at, run.ended_at),
               nominal_start = coalesce(excluded.nominal_start, run.nominal_start),
               nominal_end = coalesce(excluded.nominal_end, run.nominal_end),
               args = run.args || excluded.args, facets = run.facets || excluded.facets,
               job_facets = run.job_facets || excluded.job_facets, updated_at = excluded.updated_at
           returning job, xmax = 0 as is_new""",
        {
            "id": run_id,
            "job": job["id"],
            "parent": parent and parent["run"]["runId"],
            "type": event.type,
            "state": STATES.get(event.type, "RUNNING" if event.body.get("eventType") is not None else "NEW"),
            "start": None if event.is_final or event.body.get("eventType") is None else event.time,
            "end": event.time if event.is_final else None,
            "from": nominal.get("nominalStartTime"),
            "to": nominal.get("nominalEndTime"),
            "args": Jsonb(_arguments(nominal, parent)),
            "facets": Jsonb(facets),
            "job_facets": Jsonb(event.body["job"].get("facets") or {}),
            "at": event.time,
        },
    ).fetchone()
    assert made is not None  # noqa: S101 - an upsert returns its row
    connection.execute(
        "update job set latest_run = %s where id = %s and (%s or latest_run is null)",
        [run_id, made["job"], made["is_new"]],
    )


def _arguments(nominal: dict[str, Any], parent: dict[str, Any] | None) -> dict[str, str]:
    arguments = {}
    for key, value in (("nominal_start_time", "nominalStartTime"), ("nominal_end_time", "nominalEndTime")):
        if nominal.get(value):
            arguments[key] = str(written_instant(parsed_instant(nominal[value])))
    if parent:
        arguments |= {
            "run_id": parent["run"]["runId"],
            "name": parent["job"]["name"],
            "namespace": parent["job"]["namespace"],
        }
    return arguments


def _tie_datasets(
    connection: Connection, event: Event, run_id: uuid.UUID | None, job: dict[str, Any], told: list[Told]
) -> None:
    """What the job reads and writes: all that its last finished run named, and what a run under way named so far."""
    counts = event.is_final or event.kind == "job" or job["type"] == "STREAM"
    rows = [[one.id for one in told], [one.direction for one in told]]
    if counts and run_id is not None:
        named = connection.execute("select dataset, direction from run_dataset where run_id = %s", [run_id]).fetchall()
        rows = [[row["dataset"] for row in named], [row["direction"] for row in named]]
    if not rows[0]:
        return
    if counts:
        connection.execute(
            """delete from job_dataset where job = %s and (dataset, direction) not in
               (select * from unnest(%s::bigint[], %s::text[]))""",
            [job["id"], *rows],
        )
    connection.execute(
        """insert into job_dataset (job, dataset, direction, in_graph)
           select distinct %s, q.dataset, q.direction, %s from unnest(%s::bigint[], %s::text[]) as q(dataset, direction)
           on conflict (job, dataset, direction) do update set in_graph = job_dataset.in_graph or excluded.in_graph""",
        [job["id"], counts, *rows],
    )


def close_version(connection: Connection, job: int, run_id: uuid.UUID | None, at: Any) -> None:
    """Give the job the version that its datasets and its code make, and tie the run to it."""
    row = connection.execute(
        """select j.namespace, j.name, j.location,
               coalesce((select jsonb_agg(jsonb_build_object('namespace', d.namespace, 'name', d.name)
                                          order by d.namespace, d.name)
                         from job_dataset t join dataset d on d.id = t.dataset
                         where t.job = j.id and t.direction = 'in'), '[]') as inputs,
               coalesce((select jsonb_agg(jsonb_build_object('namespace', d.namespace, 'name', d.name)
                                          order by d.namespace, d.name)
                         from job_dataset t join dataset d on d.id = t.dataset
                         where t.job = j.id and t.direction = 'out'), '[]') as outputs
           from job j where j.id = %s""",
        [job],
    ).fetchone()
    assert row is not None  # noqa: S101 - the caller has just written the job
    version = uuid.uuid5(VERSIONS, json.dumps(row, sort_keys=True))
    connection.execute(
        """insert into job_version (version, job, location, inputs, outputs, latest_run, created_at)
           values (%s, %s, %s, %s, %s, %s, %s)
           on conflict (version) do update set latest_run = coalesce(excluded.latest_run, job_version.latest_run)""",
        [version, job, row["location"], Jsonb(row["inputs"]), Jsonb(row["outputs"]), run_id, at],
    )
    connection.execute("update job set current_version = %s where id = %s", [version, job])
    if run_id is not None:
        connection.execute("update run set job_version = %s where id = %s and job = %s", [version, run_id, job])
