"""Hive Metastore 3.1: its command line and its configuration; its tables are in PostgreSQL, theirs in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from enginedge.engines import hadoop
from enginedge.engines.jvm import FIRST_COMPILER, SERIAL
from enginedge.private_files import write_private
from enginedge.settings import Endpoint
from enginedge.shell import run

DATABASE, ROLE = "metastore", "metastore"
LOGGING = """\
status = WARN
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %5p [%t] %c{2}: %m%n
rootLogger.level = WARN
rootLogger.appenderRef.stdout.ref = console
logger.dn.name = DataNucleus
logger.dn.level = ERROR
"""
OPENED = ("lang", "util", "net", "nio", "io", "util.concurrent")
JARS_OF_OTHERS = ("iceberg", "openlineage", "kafka", "mongo", "postgresql", "spark-")
# A writer that is killed while it commits leaves its lock of the table behind. The task that takes such locks away
# belongs to those of the compactor, which is off and could not start: it runs with those that always do.
TASKS = (
    "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
    "org.apache.hadoop.hive.metastore.txn.AcidHouseKeeperService",
)
#: A lock whose owner has given no sign of life for so long is taken away. Spark's writers give one four times as often;
#: Trino's give none, and hold a lock only while they look at the table and exchange its metadata.
ABANDONED_S = 30
LOG4J = ("log4j", "log4j2")
SERVER = ("LoopbackOnly", "org.apache.hadoop.hive.metastore.HiveMetaStore")
SCHEMA_TOOL = "org.apache.hadoop.hive.metastore.tools.MetastoreSchemaTool"


@dataclass(frozen=True)
class Metastore:
    """One metastore.

    Attributes:
        conf: the private folder of its configuration.
        tool: the path of an installed tool by its name.
        address, database: where it listens, and the server that holds its tables; ``password`` is its role's there.
    """

    conf: Path
    tool: Callable[[str], Path]
    address: Endpoint
    database: Endpoint
    password: str = field(repr=False)
    store: hadoop.S3 = field(repr=False)

    def write(self) -> None:
        """Write its configuration."""
        write_private(self.conf / "metastore-log4j2.properties", LOGGING)
        write_private(self.conf / "core-site.xml", hadoop.configuration(hadoop.s3a(self.store)))
        write_private(self.conf / "metastore-site.xml", hadoop.configuration(self._site()))
        self.compile_wrapper()

    @property
    def java(self) -> list[str]:
        """What runs one of its classes, whose name and arguments follow."""
        return [
            str(self.tool("java17_home") / "bin" / "java"),
            *("-Xms64m", "-Xmx192m", SERIAL, FIRST_COMPILER, "-XX:MaxMetaspaceSize=192m"),
            *("-XX:ReservedCodeCacheSize=64m", "-XX:+ExitOnOutOfMemoryError"),
            *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in OPENED),
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            f"-Dmetastore.home={self.tool('hms_home')}",
            # By both of its names, or it takes its own default, which needs a library that its archive lacks.
            *(f"-D{log4j}.configurationFile=file://{self.conf}/metastore-log4j2.properties" for log4j in LOG4J),
            *("-cp", self._class_path()),
        ]

    @property
    def environment(self) -> dict[str, str]:
        return {"METASTORE_HOME": str(self.tool("hms_home")), "METASTORE_CONF_DIR": str(self.conf)}

    def compile_wrapper(self) -> None:
        """Compile ``LoopbackOnly`` where it is missing or older than its source."""
        source = Path(__file__).with_name("java") / "LoopbackOnly.java"
        compiled = self.conf / "LoopbackOnly.class"
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            run([str(self.tool("java17_home") / "bin" / "javac"), "-d", str(self.conf), str(source)])

    def _site(self) -> dict[str, str]:
        return {
            "metastore.thrift.uris": f"thrift://{self.address}",
            "metastore.thrift.port": str(self.address.port),
            "metastore.warehouse.dir": "s3a://lake/warehouse",
            "metastore.warehouse.external.dir": "s3a://lake/external",
            "javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver",
            "javax.jdo.option.ConnectionURL": f"jdbc:postgresql://{self.database}/{DATABASE}",
            "javax.jdo.option.ConnectionUserName": ROLE,
            "javax.jdo.option.ConnectionPassword": self.password,
            "datanucleus.connectionPool.maxPoolSize": "5",
            "metastore.server.min.threads": "8",
            "metastore.server.max.threads": "64",
            "metastore.event.db.notification.api.auth": "false",
            "metastore.metrics.enabled": "false",
            "metastore.task.threads.always": ",".join(TASKS),
            "metastore.txn.timeout": f"{ABANDONED_S}s",
            "metastore.timedout.txn.reaper.interval": f"{ABANDONED_S // 4}s",
            "metastore.expression.proxy": "org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy",
            "metastore.disallow.incompatible.col.type.changes": "false",
            "metastore.stats.autogather": "false",
            "metastore.compactor.initiator.on": "false",
        }

    def _class_path(self) -> str:
        """Its own libraries first, then Hadoop's client out of PySpark's wheel, then S3A with Amazon's modules."""
        pyspark = self.tool("spark_home") / "jars"
        hadoop_client = [*pyspark.glob("hadoop-client-api-*.jar"), *pyspark.glob("hadoop-client-runtime-*.jar")]
        s3a = [jar for jar in self.tool("spark_jars").glob("*.jar") if not jar.name.startswith(JARS_OF_OTHERS)]
        own = [str(self.conf), f"{self.tool('hms_extra')}/*", f"{self.tool('hms_home')}/lib/*"]
        return ":".join([*own, *map(str, sorted(hadoop_client)), *map(str, sorted(s3a))])
