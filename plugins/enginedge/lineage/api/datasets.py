"""Datasets, their versions, and the tags of datasets and fields."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from enginedge.lineage import naming, read_datasets
from enginedge.lineage.api.asked import (
    DatasetName,
    FieldName,
    Namespace,
    Paging,
    Store,
    TagName,
    answer,
    identifier,
    not_found,
)
from enginedge.lineage.database import Connection, one
from enginedge.lineage.project_datasets import Told, add_versions, identify

router = APIRouter(prefix="/api/v1")
DATASET = "/namespaces/{namespace}/datasets/{dataset}"


class FieldMeta(BaseModel):
    """What a client says of a column."""

    name: str
    type: str | None = None
    tags: list[str] = []
    description: str | None = None


class DatasetMeta(BaseModel):
    """What a client says of a dataset."""

    type: str
    physicalName: str
    sourceName: str
    description: str | None = None
    fields: list[FieldMeta] = []
    tags: list[str] = []
    runId: uuid.UUID | None = None


def namespace_or_404(connection: Connection, namespace: str) -> None:
    """Go on only if the namespace is known."""
    if one(connection, "select 1 from namespace where name = %s", [namespace]) is None:
        raise not_found("Namespace", namespace)


def dataset_or_404(connection: Connection, namespace: str, name: str) -> dict[str, Any]:
    """The row of a dataset; the answer says whether the namespace or the dataset is unknown."""
    row = read_datasets.dataset_row(connection, namespace, name)
    if row is None:
        namespace_or_404(connection, namespace)
        raise not_found("Dataset", name)
    return row


def _shown(connection: Connection, namespace: str, name: str) -> JSONResponse:
    return answer(read_datasets.shaped(connection, [dataset_or_404(connection, namespace, name)])[0])


@router.get("/namespaces/{namespace}/datasets")
def list_datasets(database: Store, namespace: Namespace, page: Paging) -> JSONResponse:
    with database.reading() as connection:
        if namespace != "default":
            namespace_or_404(connection, namespace)
        found, total = read_datasets.datasets(connection, namespace, page.limit, page.offset)
    return answer({"totalCount": total, "datasets": found})


@router.get(DATASET)
def get_dataset(database: Store, namespace: Namespace, dataset: DatasetName) -> JSONResponse:
    with database.reading() as connection:
        return _shown(connection, namespace, dataset)


@router.put(DATASET)
def put_dataset(database: Store, namespace: Namespace, dataset: DatasetName, meta: DatasetMeta) -> JSONResponse:
    at = datetime.now(UTC)
    name = naming.DatasetName(namespace, dataset)
    with database.writing() as connection:
        namespace_or_404(connection, namespace)
        if one(connection, "select 1 from source where name = %s", [meta.sourceName]) is None:
            raise not_found("Source", meta.sourceName)
        fields = [{"name": f.name, "type": f.type, "description": f.description} for f in meta.fields]
        told = Told(name, True, {}, {}, identify(connection, [name], at)[name], fields)
        connection.execute(
            """update dataset set type = %s, physical_name = %s, source = %s, description = %s, fields = %s, tags = %s,
                   field_tags = %s, hidden = false, updated_at = %s where id = %s""",
            [
                meta.type,
                meta.physicalName,
                meta.sourceName,
                meta.description,
                Jsonb(fields),
                meta.tags,
                Jsonb({f.name: f.tags for f in meta.fields if f.tags}),
                at,
                told.id,
            ],
        )
        for tag in {*meta.tags, *(tag for f in meta.fields for tag in f.tags)}:
            connection.execute("insert into tag values (%s) on conflict do nothing", [tag])
        add_versions(connection, [told], None, at, final=True)
        return _shown(connection, namespace, dataset)


@router.delete(DATASET)
def delete_dataset(database: Store, namespace: Namespace, dataset: DatasetName) -> JSONResponse:
    """Hide a dataset; a later event brings it back."""
    with database.writing() as connection:
        row = dataset_or_404(connection, namespace, dataset)
        shown = answer(read_datasets.shaped(connection, [row])[0])
        connection.execute("update dataset set hidden = true where id = %s", [row["id"]])
        return shown


@router.get(f"{DATASET}/versions")
def list_versions(database: Store, namespace: Namespace, dataset: DatasetName, page: Paging) -> JSONResponse:
    with database.reading() as connection:
        row = dataset_or_404(connection, namespace, dataset)
        versions, total = read_datasets.versions(connection, row, page.limit, page.offset)
    return answer({"versions": versions, "totalCount": total})


@router.get(f"{DATASET}/versions/{{version}}")
def get_version(database: Store, namespace: Namespace, dataset: DatasetName, version: str) -> JSONResponse:
    version_id = identifier(version)
    with database.reading() as connection:
        found = read_datasets.version(connection, dataset_or_404(connection, namespace, dataset), version_id)
    if found is None:
        raise not_found("Dataset version", version)
    return answer(found)


@router.post(f"{DATASET}/tags/{{tag}}")
def add_tag(database: Store, namespace: Namespace, dataset: DatasetName, tag: TagName) -> JSONResponse:
    with database.writing() as connection:
        row = dataset_or_404(connection, namespace, dataset)
        connection.execute("insert into tag values (%s) on conflict do nothing", [tag])
        connection.execute(
            "update dataset set tags = array_append(tags, %s) where id = %s and not %s = any(tags)",
            [tag, row["id"], tag],
        )
        return _shown(connection, namespace, dataset)


@router.delete(f"{DATASET}/tags/{{tag}}")
def remove_tag(database: Store, namespace: Namespace, dataset: DatasetName, tag: TagName) -> JSONResponse:
    with database.writing() as connection:
        row = dataset_or_404(connection, namespace, dataset)
        connection.execute("update dataset set tags = array_remove(tags, %s) where id = %s", [tag, row["id"]])
        return _shown(connection, namespace, dataset)


@router.post(f"{DATASET}/fields/{{field}}/tags/{{tag}}")
def add_field_tag(
    database: Store, namespace: Namespace, dataset: DatasetName, field: FieldName, tag: TagName
) -> JSONResponse:
    return _field_tags(database, namespace, dataset, field, add=tag)


@router.delete(f"{DATASET}/fields/{{field}}/tags/{{tag}}")
def remove_field_tag(
    database: Store, namespace: Namespace, dataset: DatasetName, field: FieldName, tag: TagName
) -> JSONResponse:
    return _field_tags(database, namespace, dataset, field, remove=tag)


def _field_tags(
    database: Store, namespace: str, dataset: str, field: str, *, add: str | None = None, remove: str | None = None
) -> JSONResponse:
    with database.writing() as connection:
        row = dataset_or_404(connection, namespace, dataset)
        if field not in {column["name"] for column in row["fields"]}:
            raise not_found_field(field, dataset)
        tags = [tag for tag in row["field_tags"].get(field, []) if tag not in (add, remove)]
        if add is not None:
            tags.append(add)
            connection.execute("insert into tag values (%s) on conflict do nothing", [add])
        connection.execute(
            "update dataset set field_tags = %s where id = %s", [Jsonb({**row["field_tags"], field: tags}), row["id"]]
        )
        return _shown(connection, namespace, dataset)


def not_found_field(field: str, dataset: str) -> Exception:
    """The answer for a column that the dataset does not have."""
    found = not_found("Field", field)
    found.body["message"] = f"Field '{field}' not found for dataset '{dataset}'."
    return found
