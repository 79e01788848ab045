"""Trino: coordinator and worker in one, with the lake's Iceberg tables, its external files and TPC-H as catalogs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any

from deploy.local.layout import Local
from deploy.local.services.hadoop import REGION
from deploy.local.services.process import Launch
from enginedge.lake.contracts import contracts
from enginedge.private_files import private_folder
from enginedge.settings import HOST

PLUGINS = ("hive", "iceberg", "openlineage", "tpch")
JVM = [
    *("-server", "-Xms256M", "-Xmx1G", "-XX:+UseG1GC", "-XX:G1HeapRegionSize=4M", "-XX:+ExitOnOutOfMemoryError"),
    *("-XX:+ExplicitGCInvokesConcurrent", "-XX:-OmitStackTraceInFastThrow", "-XX:ReservedCodeCacheSize=160M"),
    *("-XX:PerMethodRecompilationCutoff=10000", "-XX:PerBytecodeRecompilationCutoff=10000"),
    *("-Djdk.attach.allowAttachSelf=true", "-Djdk.nio.maxCachedBufferSize=2000000", "-Dfile.encoding=UTF-8"),
    *("-XX:+EnableDynamicAgentLoading", "-XX:+UnlockDiagnosticVMOptions"),
    *("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
    "--add-modules=jdk.incubator.vector",
]
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
        {"user": "health", "catalog": "tpch|system", "allow": "read-only"},
    ],
    "schemas": [{"user": WRITERS, "owner": True}],
    "procedures": [{"user": WRITERS, "privileges": ["EXECUTE"]}],
    "tables": [
        {"user": WRITERS, "privileges": ALL},
        {"user": "analyst", "schema": "mart|core|information_schema", "table": TABLE, "privileges": ["SELECT"]},
        {"user": "analyst", "catalog": "system", "schema": "jdbc|metadata", "privileges": ["SELECT"]},
        {"user": "health", "catalog": "tpch", "privileges": ["SELECT"]},
    ],
}


def prepare(local: Local) -> Launch:
    """Write its configuration; only the wanted plugins are loaded, by a folder of links."""
    folder = local.conf("trino")
    config = local.write("trino", "config.properties", _text(_config(local)))
    local.write("trino", "event-listener.properties", _text(_listener(local)))
    local.write(
        "trino",
        "access-control.properties",
        _text(
            {
                "access-control.name": "file",
                "security.config-file": str(folder / "rules.json"),
                "security.refresh-period": "10s",
            }
        ),
    )
    local.write("trino", "rules.json", json.dumps(_access(), indent=1))
    levels = local.write("trino", "log.properties", "io.trino=WARN\nio.trino.server.Server=INFO\nio.airlift=WARN\n")
    shutil.rmtree(folder / "catalog", ignore_errors=True)
    for name, properties in _catalogs(local).items():
        local.write("trino", f"catalog/{name}.properties", _text(properties))
    home, data = local.tool("trino_home"), local.data("trino")
    plugins = private_folder(data / "plugins")
    for plugin in PLUGINS:
        link = plugins / plugin
        link.unlink(missing_ok=True)
        link.symlink_to(home / "plugin" / plugin)
    argv = [
        str(local.tool("java25_home") / "bin" / "java"),
        *JVM,
        *("-cp", f"{home}/lib/*"),
        "-Dnode.environment=local",
        "-Dnode.id=coordinator",
        f"-Dnode.data-dir={data}",
        f"-Dplugin.dir={plugins}",
        f"-Dnode.bind-ip={HOST}",
        f"-Dnode.internal-address={HOST}",
        f"-Dlog.levels-file={levels}",
        f"-Dconfig={config}",
        "io.trino.server.TrinoServer",
    ]
    return Launch(argv, folder=data)


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


def _config(local: Local) -> dict[str, str]:
    folder = local.conf("trino")
    return {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": str(local.port("trino")),
        "discovery.uri": local.url("trino"),
        "query.max-memory": "500MB",
        "query.max-memory-per-node": "500MB",
        "memory.heap-headroom-per-node": "250MB",
        "task.concurrency": "2",
        "task.max-worker-threads": "4",
        "task.min-drivers": "4",
        # The lineage relay compares what it was told with this history, so it must reach back over a night's run.
        "query.max-history": "4000",
        "query.min-expire-age": "6h",
        "catalog.management": "static",
        "catalog.config-dir": str(folder / "catalog"),
        "access-control.config-files": str(folder / "access-control.properties"),
        "event-listener.config-files": str(folder / "event-listener.properties"),
        "web-ui.authentication.type": "fixed",
        "web-ui.user": "admin",
    }


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


def _catalogs(local: Local) -> dict[str, dict[str, str]]:
    store = {
        "hive.metastore.uri": f"thrift://{local.address('metastore')}",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": local.url("minio"),
        "s3.region": REGION,
        "s3.path-style-access": "true",
        "s3.aws-access-key": "lake",
        "s3.aws-secret-key": local.secret("minio-lake"),
    }
    iceberg = {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "hive_metastore",
        "iceberg.hive-catalog-name": "files",
        "iceberg.file-format": "PARQUET",
        "iceberg.unique-table-location": "true",
        # Marts are swapped in by CREATE OR REPLACE; whoever reads must see the new one at once.
        "iceberg.metadata-cache.enabled": "false",
        "iceberg.max-commit-retry": "8",
    }
    hive = {
        "connector.name": "hive",
        "hive.iceberg-catalog-name": "lake",
        "hive.non-managed-table-writes-enabled": "true",
        "hive.storage-format": "PARQUET",
    }
    return {"lake": {**iceberg, **store}, "files": {**hive, **store}, "tpch": {"connector.name": "tpch"}}


def _text(properties: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items())
