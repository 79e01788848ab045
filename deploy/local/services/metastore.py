"""Hive Metastore, which Spark and Trino share: its schema is made here where there is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, LiteralString

from deploy.local.layout import Local
from deploy.local.services import postgres
from deploy.local.services.process import Launch
from enginedge.engines.metastore import SCHEMA_TOOL, SERVER, Metastore
from enginedge.settings import HOST, Endpoint
from enginedge.shell import run

if TYPE_CHECKING:
    import psycopg


def prepare(local: Local) -> Launch:
    """Write its configuration, make its schema where there is none, and start it."""
    metastore = Metastore(
        conf=local.conf("metastore"),
        tool=local.tool,
        address=Endpoint(HOST, local.port("metastore")),
        database=Endpoint(HOST, local.port("postgres")),
        password=local.secret("postgres-metastore"),
        store=local.object_store("lake"),
    )
    metastore.write()
    if not _has_schema(local):
        make = [*metastore.java, SCHEMA_TOOL, "-dbType", "postgres", "-initSchema"]
        run(make, environment={**os.environ, **metastore.environment})
    return Launch([*metastore.java, *SERVER], metastore.environment)


def _has_schema(local: Local) -> bool:
    """Whether the schema is complete: its version is what the schema tool writes last."""
    with postgres.connected(local, "metastore", "metastore") as connection:
        if _finds(connection, "select to_regclass('public.\"VERSION\"') is not null") and _finds(
            connection, 'select count(*) > 0 from "VERSION"'
        ):
            return True
        # The schema tool was killed half way: it cannot go on from there, so it starts from nothing again.
        connection.execute("drop schema public cascade; create schema public")
        return False


def _finds(connection: psycopg.Connection, question: LiteralString) -> bool:
    (answer,) = connection.execute(question)
    return bool(answer[0])
