"""Folds the datasets of an event into the tables that are read: the datasets themselves, their versions and their
columns.

An output says what a dataset is now; an input adds what its reader knew. What an event leaves out is kept, because a
START that names a table must not empty what the last COMPLETE told of it. A dataset that was first seen under another
name is absorbed by the one that it turns out to be.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from enginedge.lineage.database import Connection
from enginedge.lineage.events import Event
from enginedge.lineage.naming import DatasetName

INDIRECT = {"transformations": [{"type": "INDIRECT", "subtype": "INDIRECT"}]}
VERSIONS = uuid.UUID("5f0b2f3e-8f3c-5b0d-9a53-2f1f6f7f1a11")


@dataclass
class Told:
    """What one event tells of one dataset."""

    name: DatasetName
    is_output: bool
    facets: dict[str, Any]
    io_facets: dict[str, Any]
    id: int = 0
    fields: list[dict[str, Any]] = field(default_factory=list)

    @property
    def direction(self) -> str:
        return "out" if self.is_output else "in"


def told_by(event: Event) -> list[Told]:
    """The datasets of an event, each once a direction; what is told twice is joined."""
    told: dict[tuple[DatasetName, bool], Told] = {}
    if event.kind == "dataset":
        listed = [(event.body["dataset"], True)]
    else:
        listed = [(item, False) for item in event.body.get("inputs") or []]
        listed += [(item, True) for item in event.body.get("outputs") or []]
    for item, is_output in listed:
        name = DatasetName(item["namespace"], item["name"])
        one = told.setdefault((name, is_output), Told(name, is_output, {}, {}))
        one.facets.update(item.get("facets") or {})
        one.io_facets.update(item.get("outputFacets" if is_output else "inputFacets") or {})
    for one in told.values():
        one.fields = _fields(one.facets)
    return list(told.values())


def _fields(facets: dict[str, Any]) -> list[dict[str, Any]]:
    listed = (facets.get("schema") or {}).get("fields") or []
    named: dict[str, dict[str, Any]] = {}
    for column in listed:
        kind, told = column.get("type"), column.get("description")
        named[str(column["name"])] = {"name": str(column["name"]), "type": kind, "description": told}
    return list(named.values())


def identify(connection: Connection, names: Iterable[DatasetName], at: datetime) -> dict[DatasetName, int]:
    """The row of each dataset, made where there is none; a known alias leads to the dataset that owns it."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    columns = [[name.namespace for name in wanted], [name.name for name in wanted]]
    connection.execute(
        """insert into dataset (namespace, name, physical_name, created_at, updated_at)
           select q.namespace, q.name, q.name, %s, %s from unnest(%s::text[], %s::text[]) as q(namespace, name)
           where not exists (select from dataset_alias a where a.namespace = q.namespace and a.name = q.name)
             and not exists (select from dataset d where d.namespace = q.namespace and d.name = q.name)""",
        [at, at, *columns],
    )
    found = connection.execute(
        """select q.namespace, q.name, coalesce(a.dataset, d.id) as id
           from unnest(%s::text[], %s::text[]) as q(namespace, name)
           left join dataset_alias a on a.namespace = q.namespace and a.name = q.name
           left join dataset d on d.namespace = q.namespace and d.name = q.name""",
        columns,
    )
    return {DatasetName(row["namespace"], row["name"]): row["id"] for row in found}


def remember_aliases(connection: Connection, event: Event, at: datetime) -> None:
    """Let every other name that the event gave a dataset find it; the first owner of a name keeps it.

    A dataset that already stood under a name which the naming rules lead elsewhere is the same dataset: it is absorbed.
    """
    if not event.aliases:
        return
    ids = identify(connection, [to for _, to, _ in event.aliases], at)
    for alias, to, by_rule in event.aliases:
        there = connection.execute(
            "select id from dataset where namespace = %s and name = %s", [alias.namespace, alias.name]
        ).fetchone()
        if there and there["id"] != ids[to] and by_rule:
            absorb(connection, there["id"], ids[to])
            there = None
        if there is None:
            connection.execute(
                "insert into dataset_alias values (%s, %s, %s) on conflict do nothing",
                [alias.namespace, alias.name, ids[to]],
            )


def absorb(connection: Connection, old: int, new: int) -> None:
    """Give everything that is known of the dataset ``old`` to ``new``, and forget ``old``."""
    connection.execute("update dataset_alias set dataset = %s where dataset = %s", [new, old])
    for table, key in (("run_dataset", "run_id"), ("job_dataset", "job")):
        connection.execute(
            f"""update {table} t set dataset = %s where dataset = %s and not exists (
                    select from {table} o
                    where o.{key} = t.{key} and o.direction = t.direction and o.dataset = %s)""".encode(),  # noqa: S608
            [new, old, new],
        )
    for mine, other in (("target", "source"), ("source", "target")):
        connection.execute(
            f"""update column_edge e set {mine} = %s where {mine} = %s and not exists (
                    select from column_edge o where o.{mine} = %s and o.{mine}_field = e.{mine}_field
                    and o.{other} = e.{other} and o.{other}_field = e.{other}_field and o.job = e.job)""".encode(),  # noqa: S608
            [new, old, new],
        )
    connection.execute("update dataset_version set dataset = %s where dataset = %s", [new, old])
    connection.execute("delete from dataset where id = %s", [old])


def describe(connection: Connection, told: list[Told], at: datetime) -> None:
    """Write down what the event tells of its datasets: fields, facets, source, description, life cycle."""
    rows = [_row(one) for one in told]
    sources = {row["source"]: row["uri"] for row in rows if row["source"]}
    if sources:
        connection.execute(
            """insert into source (name, type, connection_url, created_at, updated_at)
               select name, split_part(uri, ':', 1), uri, %s, %s from unnest(%s::text[], %s::text[]) as q(name, uri)
               on conflict (name) do update set updated_at = excluded.updated_at,
                   connection_url = coalesce(nullif(excluded.connection_url, ''), source.connection_url)""",
            [at, at, list(sources), list(sources.values())],
        )
    connection.execute(
        """update dataset d set
               fields = case when jsonb_array_length(q.fields) > 0 then q.fields else d.fields end,
               facets = case when q.is_output and q.facets <> '{}' then q.facets else d.facets || q.facets end,
               source = coalesce(q.source, d.source), description = coalesce(q.description, d.description),
               lifecycle = coalesce(case when q.is_output then q.lifecycle end, d.lifecycle, ''),
               deleted = case when q.is_output then q.lifecycle is not distinct from 'DROP' else d.deleted end,
               updated_at = greatest(d.updated_at, %s), hidden = false
           from jsonb_to_recordset(%s) as q(id bigint, is_output boolean, fields jsonb, facets jsonb, source text,
                                            description text, lifecycle text)
           where d.id = q.id""",
        [at, Jsonb(sorted(rows, key=lambda row: row["id"]))],
    )


def _row(one: Told) -> dict[str, Any]:
    source = one.facets.get("dataSource") or {}
    return {
        "id": one.id,
        "is_output": one.is_output,
        "fields": one.fields,
        "facets": one.facets,
        "source": source.get("name"),
        "uri": source.get("uri") or "",
        "description": (one.facets.get("documentation") or {}).get("description"),
        "lifecycle": (one.facets.get("lifecycleStateChange") or {}).get("lifecycleStateChange"),
    }


def add_versions(
    connection: Connection, told: list[Told], run_id: uuid.UUID | None, at: datetime, *, final: bool
) -> None:
    """Make a version of each output, one a run and schema, and of each input that has none; tie them to the run.

    A version becomes its dataset's current one when the run that wrote it has ended.
    """
    rows = []
    for one in told:
        schema = uuid.uuid5(VERSIONS, json.dumps(one.fields, sort_keys=True))
        version = uuid.uuid5(VERSIONS, f"{one.id}/{run_id if one.is_output else None}/{schema}")
        rows.append({**_row(one), "version": str(version), "schema_version": str(schema), "io": one.io_facets})
    connection.execute(
        """insert into dataset_version (version, dataset, run_id, schema_version, fields, facets, lifecycle, created_at)
           select q.version, q.id, case when q.is_output then %(run)s::uuid end, q.schema_version, q.fields, q.facets,
                  coalesce(q.lifecycle, ''), %(at)s
           from jsonb_to_recordset(%(rows)s) as q(id bigint, is_output boolean, fields jsonb, facets jsonb,
                                                  lifecycle text, version uuid, schema_version uuid)
           join dataset d on d.id = q.id where q.is_output or d.last_version is null
           on conflict (version) do update set facets = dataset_version.facets || excluded.facets""",
        {"run": run_id, "at": at, "rows": Jsonb(rows)},
    )
    connection.execute(
        """update dataset d set last_version = q.version,
               current_version = case when %(final)s or not q.is_output then q.version else d.current_version end
           from jsonb_to_recordset(%(rows)s) as q(id bigint, is_output boolean, version uuid)
           where d.id = q.id and (q.is_output or d.last_version is null)""",
        {"final": final, "rows": Jsonb(sorted(rows, key=lambda row: (row["id"], not row["is_output"])))},
    )
    if run_id is not None:
        connection.execute(
            """insert into run_dataset (run_id, dataset, direction, version, facets)
               select %(run)s, q.id, case when q.is_output then 'out' else 'in' end,
                      case when q.is_output then q.version else d.last_version end, q.io
               from jsonb_to_recordset(%(rows)s) as q(id bigint, is_output boolean, version uuid, io jsonb)
               join dataset d on d.id = q.id
               on conflict (run_id, direction, dataset) do update set
                   version = excluded.version, facets = run_dataset.facets || excluded.facets""",
            {"run": run_id, "rows": Jsonb(rows)},
        )


def draw_columns(connection: Connection, told: list[Told], job: int, at: datetime) -> None:
    """Draw an edge for each source column that an output's column lineage names.

    A column that comes from no other (``count(*)``) hangs on which rows there are, and so on the columns that decide
    it: those that the lineage names for the dataset as a whole (what is joined, filtered or grouped by).
    """
    drawn = []
    for one in told:
        lineage = one.facets.get("columnLineage") or {}
        for target_field, column in (lineage.get("fields") or {}).items():
            sources = column.get("inputFields") or [{**each, **INDIRECT} for each in lineage.get("dataset") or []]
            for source in sources:
                name = DatasetName(source["namespace"], source["name"])
                drawn.append((one.id, target_field, name, source["field"], *_transformation(column, source)))
    if not drawn:
        return
    ids = identify(connection, [edge[2] for edge in drawn], at)
    unique = {(target, to, ids[name], field): rest for target, to, name, field, *rest in drawn}
    columns = list(zip(*[(*edge, *rest) for edge, rest in unique.items()], strict=True))
    connection.execute(
        """insert into column_edge (target, target_field, source, source_field, job, target_version, source_version,
                                    description, type, updated_at)
           select q.target, q.target_field, q.source, q.source_field, %s, t.last_version, s.last_version,
                  q.description, q.type, %s
           from unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[])
                as q(target, target_field, source, source_field, description, type)
           join dataset t on t.id = q.target join dataset s on s.id = q.source
           on conflict (target, target_field, source, source_field, job) do update set
               target_version = excluded.target_version, source_version = excluded.source_version,
               description = excluded.description, type = excluded.type, updated_at = excluded.updated_at""",
        [job, at, *[list(column) for column in columns]],
    )


def _transformation(column: dict[str, Any], source: dict[str, Any]) -> tuple[str | None, str | None]:
    """The description and the type of the way from ``source`` to the column: newer events give them a source column
    each.
    """
    steps = source.get("transformations") or []
    if column.get("transformationType") or column.get("transformationDescription") or not steps:
        return column.get("transformationDescription"), column.get("transformationType")
    direct = next((step for step in steps if step.get("type") == "DIRECT"), steps[0])
    return direct.get("description") or None, direct.get("subtype") or direct.get("type")
