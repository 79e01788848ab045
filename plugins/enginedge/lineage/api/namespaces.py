"""Namespaces, sources and tags."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from enginedge.lineage.api.asked import Namespace, Paging, Store, TagName, answer, not_found
from enginedge.lineage.database import one
from enginedge.lineage.instants import written_instant

router = APIRouter(prefix="/api/v1")


class NamespaceMeta(BaseModel):
    """What a client says of a namespace."""

    ownerName: str
    description: str | None = None


class SourceMeta(BaseModel):
    """What a client says of a source."""

    type: str
    connectionUrl: str
    description: str | None = None


class TagMeta(BaseModel):
    """What a client says of a tag."""

    description: str | None = None


def namespace_shape(row: dict[str, Any]) -> dict[str, Any]:
    """A namespace as the API shows it."""
    return {
        "name": row["name"],
        "createdAt": written_instant(row["created_at"]),
        "updatedAt": written_instant(row["updated_at"]),
        "ownerName": row["owner"],
        "description": row["description"],
        "isHidden": row["hidden"],
    }


def _source_shape(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": row["type"].upper(),
        "name": row["name"],
        "createdAt": written_instant(row["created_at"]),
        "updatedAt": written_instant(row["updated_at"]),
        "connectionUrl": row["connection_url"],
        "description": row["description"],
    }


@router.get("/namespaces")
def list_namespaces(database: Store, page: Paging) -> JSONResponse:
    with database.reading() as connection:
        rows = connection.execute("select * from namespace order by name limit %s offset %s", [page.limit, page.offset])
        return answer({"namespaces": [namespace_shape(row) for row in rows]})


@router.get("/namespaces/{namespace}")
def get_namespace(database: Store, namespace: Namespace) -> JSONResponse:
    with database.reading() as connection:
        row = one(connection, "select * from namespace where name = %s", [namespace])
    if row is None:
        raise not_found("Namespace", namespace)
    return answer(namespace_shape(row))


@router.put("/namespaces/{namespace}")
def put_namespace(database: Store, namespace: Namespace, meta: NamespaceMeta) -> JSONResponse:
    with database.writing() as connection:
        row = one(
            connection,
            """insert into namespace (name, created_at, updated_at, owner, description)
               values (%s, now(), now(), %s, %s)
               on conflict (name) do update set owner = excluded.owner, updated_at = excluded.updated_at,
                   hidden = false, description = coalesce(excluded.description, namespace.description) returning *""",
            [namespace, meta.ownerName, meta.description],
        )
    return answer(namespace_shape(row or {}))


@router.delete("/namespaces/{namespace}")
def delete_namespace(database: Store, namespace: Namespace) -> JSONResponse:
    """Hide a namespace and what is in it; a later event brings back what it names."""
    with database.writing() as connection:
        row = one(connection, "select * from namespace where name = %s", [namespace])
        if row is None:
            raise not_found("Namespace", namespace)
        connection.execute("update namespace set hidden = true where name = %s", [namespace])
        connection.execute("update job set hidden = true where namespace = %s", [namespace])
        connection.execute("update dataset set hidden = true where namespace = %s", [namespace])
    return answer(namespace_shape(row))


@router.get("/sources")
def list_sources(database: Store, page: Paging) -> JSONResponse:
    with database.reading() as connection:
        rows = connection.execute("select * from source order by name limit %s offset %s", [page.limit, page.offset])
        return answer({"sources": [_source_shape(row) for row in rows]})


@router.get("/sources/{tag}")
def get_source(database: Store, name: TagName) -> JSONResponse:
    with database.reading() as connection:
        row = one(connection, "select * from source where name = %s", [name])
    if row is None:
        raise not_found("Source", name)
    return answer(_source_shape(row))


@router.put("/sources/{tag}")
def put_source(database: Store, name: TagName, meta: SourceMeta) -> JSONResponse:
    with database.writing() as connection:
        row = one(
            connection,
            """insert into source (name, type, connection_url, description, created_at, updated_at)
               values (%s, %s, %s, %s, now(), now())
               on conflict (name) do update set type = excluded.type, connection_url = excluded.connection_url,
                   description = coalesce(excluded.description, source.description), updated_at = excluded.updated_at
               returning *""",
            [name, meta.type, meta.connectionUrl, meta.description],
        )
    return answer(_source_shape(row or {}))


@router.get("/tags")
def list_tags(database: Store, page: Paging) -> JSONResponse:
    with database.reading() as connection:
        rows = connection.execute("select * from tag order by name limit %s offset %s", [page.limit, page.offset])
        return answer({"tags": [{"name": row["name"], "description": row["description"]} for row in rows]})


@router.put("/tags/{tag}")
def put_tag(database: Store, tag: TagName, meta: TagMeta) -> JSONResponse:
    with database.writing() as connection:
        connection.execute(
            "insert into tag values (%s, %s) on conflict (name) do update set description = excluded.description",
            [tag, meta.description],
        )
    return answer({"name": tag, "description": meta.description})
