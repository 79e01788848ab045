"""Trino: coordinator and worker in one, with the lake's Iceberg tables and its external files as catalogs."""

from __future__ import annotations

import json
from typing import Any

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.engines.trino import Trino, lake_catalogs, properties
from enginedge.lake.contracts import contracts
from enginedge.settings import HOST, Endpoint

PLUGINS = ("hive", "iceberg", "openlineage")
LINEAGE_PATH = "/api/v1/lineage"
#: Who writes, and what an analyst may read. Users say who they are by a header: Trino is on loopback only.
WRITERS = "admin|lake|dbt"
ALL = ["SELECT", "INSERT", "DELETE", "UPDATE", "OWNERSHIP", "GRANT_SELECT"]
#: Of Iceberg's metadata tables those that say when a table was published; the others' statistics show values.
TABLE = r"[a-z0-9_]+(\$(history|snapshots|metadata_log_entries))?"
ACCESS: dict[str, list[dict[str, Any]]] = {
    "catalogs": [
        {"user": WRITERS, "allow": "all"},
        {"user": "analyst", "catalog": "lake|system", "allow": "read-only"},
        {"user": "health", "catalog": "jmx|system", "allow": "read-only"},
    ],
    "schemas": [{"user": WRITERS, "owner": True}],
    "procedures": [{"user": WRITERS, "privileges": ["EXECUTE"]}],
    "tables": [
        {"user": WRITERS, "privileges": ALL},
        {"user": "analyst", "schema": "mart|core|ops|information_schema", "table": TABLE, "privileges": ["SELECT"]},
        {"user": "analyst", "catalog": "system", "schema": "jdbc|metadata", "privileges": ["SELECT"]},
        {"user": "health", "catalog": "jmx", "privileges": ["SELECT"]},
    ],
}


def prepare(local: Local) -> Launch:
    """Write its configuration: the lake's tables, who may do what, and who is told of it."""
    folder = local.conf("trino")
    local.write("trino", "event-listener.properties", properties(_listener(local)))
    access = {
        "access-control.name": "file",
        "security.config-file": str(folder / "rules.json"),
        "security.refresh-period": "10s",
    }
    local.write("trino", "access-control.properties", properties(access))
    local.write("trino", "rules.json", json.dumps(_access(), indent=1))
    trino = Trino(
        conf=folder,
        data=local.data("trino"),
        tool=local.tool,
        address=Endpoint(HOST, local.port("trino")),
        plugins=PLUGINS,
        catalogs=lake_catalogs(Endpoint(HOST, local.port("metastore")), local.object_store("lake")),
        more={
            # The lineage relay compares what it was told with this history, so it must reach back over a night's run:
            # every query of these hours is listed, and for so many all statistics are kept (a quarter of a MB each).
            "query.max-history": "100",
            "query.min-expire-age": "6h",
            "access-control.config-files": str(folder / "access-control.properties"),
            "event-listener.config-files": str(folder / "event-listener.properties"),
            "web-ui.authentication.type": "fixed",
            "web-ui.user": "admin",
        },
        short_lived=local.settings.short_lived,
    )
    trino.write()
    return Launch(trino.argv, folder=trino.data)


def _access() -> dict[str, list[dict[str, Any]]]:
    """The access rules; what a contract calls personal is empty to an analyst. The first rule that fits decides."""
    masked = [
        {
            "user": "analyst",
            "catalog": "lake",
            "schema": contract.layer,
            "table": contract.name,
            "privileges": ["SELECT"],
            "columns": [{"name": column.name, "mask": "NULL"} for column in contract.personal()],
        }
        for contract in contracts("core")
        if contract.personal()
    ]
    return {**ACCESS, "tables": [*masked, *ACCESS["tables"]]}


def _listener(local: Local) -> dict[str, str]:
    return {
        "event-listener.name": "openlineage",
        "openlineage-event-listener.transport.type": "HTTP",
        "openlineage-event-listener.transport.url": local.url("lineage"),
        "openlineage-event-listener.transport.endpoint": LINEAGE_PATH,
        "openlineage-event-listener.trino.uri": local.url("trino"),
        "openlineage-event-listener.namespace": "enginedge",
        "openlineage-event-listener.trino.include-query-types": "INSERT,UPDATE,DELETE,MERGE",
    }
