"""Datasets and their versions in the shape that Marquez's API gives them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from enginedge.lineage.database import Connection
from enginedge.lineage.instants import written_instant
from enginedge.lineage.read_runs import runs_by_id


def dataset_row(connection: Connection, namespace: str, name: str) -> dict[str, Any] | None:
    """The row of the dataset that is called so, by its own name or by an alias, if it was not deleted."""
    return connection.execute(
        """select d.* from dataset d where not d.hidden and d.id = coalesce(
               (select id from dataset where namespace = %(namespace)s and name = %(name)s),
               (select dataset from dataset_alias where namespace = %(namespace)s and name = %(name)s))""",
        {"namespace": namespace, "name": name},
    ).fetchone()


def datasets(connection: Connection, namespace: str, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """A page of a namespace's datasets by name, those under an alias among them, and how many there are."""
    rows = connection.execute(
        """select *, count(*) over () as n from (
               select d.*, d.name as shown from dataset d where d.namespace = %(namespace)s and not d.hidden
               union all
               select d.*, a.name as shown from dataset_alias a join dataset d on d.id = a.dataset
               where a.namespace = %(namespace)s and not d.hidden) q
           order by shown limit %(limit)s offset %(offset)s""",
        {"namespace": namespace, "limit": limit, "offset": offset},
    ).fetchall()
    counted = connection.execute(
        """select (select count(*) from dataset where namespace = %(namespace)s and not hidden)
                + (select count(*) from dataset_alias a join dataset d on d.id = a.dataset
                   where a.namespace = %(namespace)s and not d.hidden) as n""",
        {"namespace": namespace},
    ).fetchone()
    shapes = shaped(connection, rows)
    for row, shape in zip(rows, shapes, strict=True):
        if (namespace, row["shown"]) != (row["namespace"], row["name"]):
            shape |= {
                "id": {"namespace": namespace, "name": row["shown"]},
                "namespace": namespace,
                "name": row["shown"],
            }
    return shapes, counted["n"] if counted else 0


def shaped(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of datasets as the API shows them, each with the sources of its columns."""
    columns = _columns(connection, [row["id"] for row in rows])
    shapes = []
    for row in rows:
        shape = {
            **_head(row),
            "lastLifecycleState": row["lifecycle"],
            "description": row["description"],
            "currentVersion": row["current_version"] and str(row["current_version"]),
            "columnLineage": columns.get(row["id"]),
            "facets": row["facets"],
            "deleted": row["deleted"],
        }
        shapes.append(shape)
    return shapes


def _head(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": {"namespace": row["namespace"], "name": row["name"]},
        "type": row["type"],
        "name": row["name"],
        "physicalName": row["physical_name"],
        "createdAt": written_instant(row["created_at"]),
        "updatedAt": written_instant(row["updated_at"]),
        "namespace": row["namespace"],
        "sourceName": row["source"],
        "fields": fields(row),
        "tags": row["tags"],
        "lastModifiedAt": written_instant(row["last_modified_at"]),
    }


def node(row: dict[str, Any]) -> dict[str, Any]:
    """A dataset as a node of the graph shows it: without facets."""
    return {**_head(row), "description": row["description"], "lastLifecycleState": row["lifecycle"]}


def fields(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns of a dataset (or of a version) with the tags of each."""
    tags = row.get("field_tags") or {}
    return [
        {
            "name": column["name"],
            "type": column.get("type"),
            "tags": tags.get(column["name"], []),
            "description": column.get("description"),
        }
        for column in row["fields"]
    ]


def _columns(connection: Connection, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for edge in connection.execute(
        """select distinct on (e.target, e.target_field, d.namespace, d.name, e.source_field) e.*, d.namespace, d.name
           from column_edge e join dataset d on d.id = e.source where e.target = any(%s)
           order by e.target, e.target_field, d.namespace, d.name, e.source_field, e.updated_at desc""",
        [ids],
    ):
        told = {"transformationDescription": edge["description"], "transformationType": edge["type"]}
        column = found[edge["target"]].setdefault(
            edge["target_field"], {"name": edge["target_field"], "inputFields": [], **told}
        )
        column["inputFields"].append(
            {"namespace": edge["namespace"], "dataset": edge["name"], "field": edge["source_field"], **told}
        )
    return {dataset: list(columns.values()) for dataset, columns in found.items()}


def versions(connection: Connection, row: dict[str, Any], limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """A page of a dataset's versions, the newest first, and how many there are."""
    found = connection.execute(
        "select * from dataset_version where dataset = %s order by created_at desc, version limit %s offset %s",
        [row["id"], limit, offset],
    ).fetchall()
    counted = connection.execute("select count(*) as n from dataset_version where dataset = %s", [row["id"]]).fetchone()
    return _versions(connection, row, found), counted["n"] if counted else 0


def version(connection: Connection, row: dict[str, Any], version_id: uuid.UUID) -> dict[str, Any] | None:
    """One version of a dataset, or ``None``."""
    found = connection.execute(
        "select * from dataset_version where dataset = %s and version = %s", [row["id"], version_id]
    ).fetchall()
    return _versions(connection, row, found)[0] if found else None


def _versions(connection: Connection, row: dict[str, Any], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    runs = runs_by_id(connection, [version["run_id"] for version in found if version["run_id"]])
    head = _head(row)
    return [
        {
            **{key: head[key] for key in ("id", "type", "name", "physicalName")},
            "createdAt": written_instant(version["created_at"]),
            "version": str(version["version"]),
            **{key: head[key] for key in ("namespace", "sourceName")},
            "fields": fields(version),
            "tags": row["tags"],
            "lifecycleState": version["lifecycle"],
            "description": row["description"],
            "currentSchemaVersion": str(version["schema_version"]),
            "createdByRun": runs.get(version["run_id"]),
            "facets": version["facets"],
        }
        for version in found
    ]
