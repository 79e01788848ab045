"""Trino, coordinator and worker in one: its command line, its configuration, and the catalogs of the lake."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from enginedge.engines.hadoop import REGION, S3
from enginedge.engines.jvm import FIRST_COMPILER
from enginedge.private_files import private_folder, write_private
from enginedge.settings import HOST, Endpoint

LAKE, FILES = "lake", "files"
PROBED = "jmx"  # the plugin and the catalog that every one has, to be probed with
JVM = [
    *("-server", "-Xms256M", "-Xmx1G", "-XX:+UseG1GC", "-XX:G1HeapRegionSize=4M", "-XX:+ExitOnOutOfMemoryError"),
    *("-XX:+ExplicitGCInvokesConcurrent", "-XX:-OmitStackTraceInFastThrow", "-XX:ReservedCodeCacheSize=160M"),
    # Java collects everything each time that the classes outgrow what it expected: from 21 MB on, on the way to 200.
    "-XX:MetaspaceSize=256M",
    *("-XX:PerMethodRecompilationCutoff=10000", "-XX:PerBytecodeRecompilationCutoff=10000"),
    *("-Djdk.attach.allowAttachSelf=true", "-Djdk.nio.maxCachedBufferSize=2000000", "-Dfile.encoding=UTF-8"),
    *("-XX:+EnableDynamicAgentLoading", "-XX:+UnlockDiagnosticVMOptions"),
    *("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
    "--add-modules=jdk.incubator.vector",
]
# Compiled early, and marked for the collector late: by default it marks all the while, since the heap begins small. A
# sixth of the processor time of some hundred queries, in two and three runs.
SHORT_LIVED = [
    *(FIRST_COMPILER, "-XX:CompileThresholdScaling=0.2"),
    *("-XX:InitiatingHeapOccupancyPercent=80", "-XX:-G1UseAdaptiveIHOP"),
]
LEVELS = "io.trino=WARN\nio.trino.server.Server=INFO\nio.airlift=WARN\n"


@dataclass(frozen=True)
class Trino:
    """One Trino.

    Attributes:
        conf, data: the private folders of its configuration and of what it writes.
        tool: the path of an installed tool by its name.
        plugins: the only ones that it loads.
        catalogs: the properties of each.
        more: its own properties beyond those that every one of ours has.
        short_lived: it is there for minutes, in which it would never get warm.
    """

    conf: Path
    data: Path
    tool: Callable[[str], Path]
    address: Endpoint
    plugins: Sequence[str]
    catalogs: Mapping[str, Mapping[str, str]] = field(repr=False)
    more: Mapping[str, str] = field(default_factory=dict)
    short_lived: bool = False

    def write(self) -> None:
        """Write its configuration; only the wanted plugins are loaded, by a folder of links."""
        write_private(self.conf / "config.properties", properties(self._config()))
        write_private(self.conf / "log.properties", LEVELS)
        shutil.rmtree(self.conf / "catalog", ignore_errors=True)
        for name, catalog in {**self.catalogs, PROBED: {"connector.name": PROBED}}.items():
            write_private(self.conf / "catalog" / f"{name}.properties", properties(catalog))
        plugins = private_folder(self.data / "plugins")
        for plugin in (*self.plugins, PROBED):
            link = plugins / plugin
            link.unlink(missing_ok=True)
            link.symlink_to(self.tool("trino_home") / "plugin" / plugin)

    @property
    def argv(self) -> list[str]:
        """The command that runs it, in the folder ``data``."""
        return [
            str(self.tool("java25_home") / "bin" / "java"),
            *JVM,
            *(SHORT_LIVED if self.short_lived else []),
            *("-cp", f"{self.tool('trino_home')}/lib/*"),
            "-Dnode.environment=local",
            "-Dnode.id=coordinator",
            f"-Dnode.data-dir={self.data}",
            f"-Dplugin.dir={self.data / 'plugins'}",
            f"-Dnode.bind-ip={HOST}",
            f"-Dnode.internal-address={HOST}",
            f"-Dlog.levels-file={self.conf / 'log.properties'}",
            f"-Dconfig={self.conf / 'config.properties'}",
            "io.trino.server.TrinoServer",
        ]

    def _config(self) -> dict[str, str]:
        return {
            "coordinator": "true",
            "node-scheduler.include-coordinator": "true",
            "http-server.http.port": str(self.address.port),
            "discovery.uri": self.address.url,
            "query.max-memory": "500MB",
            "query.max-memory-per-node": "500MB",
            "memory.heap-headroom-per-node": "250MB",
            "task.concurrency": "2",
            "task.max-worker-threads": "4",
            "task.min-drivers": "4",
            # Five times a second it copies what it knows of each task, also of those that ended: so not for 15 minutes.
            "task.info.max-age": "1m",
            "catalog.management": "static",
            "catalog.config-dir": str(self.conf / "catalog"),
            **self.more,
        }


def lake_catalogs(metastore: Endpoint, store: S3) -> dict[str, dict[str, str]]:
    """The catalogs of the lake: its Iceberg tables, and its external files."""
    there = {
        "hive.metastore.uri": f"thrift://{metastore}",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": store.url,
        "s3.region": REGION,
        "s3.path-style-access": "true",
        "s3.aws-access-key": store.user,
        "s3.aws-secret-key": store.password,
    }
    iceberg = {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "hive_metastore",
        "iceberg.hive-catalog-name": FILES,
        "iceberg.file-format": "PARQUET",
        "iceberg.unique-table-location": "true",
        # Marts are swapped in by CREATE OR REPLACE; whoever reads must see the new one at once.
        "iceberg.metadata-cache.enabled": "false",
        "iceberg.max-commit-retry": "8",
    }
    hive = {
        "connector.name": "hive",
        "hive.iceberg-catalog-name": LAKE,
        "hive.non-managed-table-writes-enabled": "true",
        "hive.storage-format": "PARQUET",
    }
    return {LAKE: {**iceberg, **there}, FILES: {**hive, **there}}


def properties(of: Mapping[str, str]) -> str:
    """``of`` as a properties file."""
    return "".join(f"{name}={value}\n" for name, value in of.items())
