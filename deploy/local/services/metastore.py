"""Hive Metastore 3.1, which Spark and Trino share; its tables are in PostgreSQL, theirs in the object store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

from deploy.local.layout import Local
from deploy.local.services import hadoop, postgres
from deploy.local.services.process import Launch
from enginedge.shell import run

if TYPE_CHECKING:
    import psycopg

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


def prepare(local: Local) -> Launch:
    """Write its configuration, make its schema where there is none, and start it."""
    conf = local.conf("metastore")
    local.write("metastore", "metastore-log4j2.properties", LOGGING)
    local.write("metastore", "core-site.xml", hadoop.configuration(hadoop.object_store(local, "lake")))
    local.write("metastore", "metastore-site.xml", hadoop.configuration(_site(local)))
    _compile_wrapper(local)
    java = [
        str(local.tool("java17_home") / "bin" / "java"),
        *("-Xms64m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:MaxMetaspaceSize=192m"),
        *("-XX:ReservedCodeCacheSize=64m", "-XX:+ExitOnOutOfMemoryError"),
        *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in OPENED),
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        f"-Dmetastore.home={local.tool('hms_home')}",
        # By both of its names, or it takes its own default, which needs a library that its archive lacks.
        *(f"-D{log4j}.configurationFile=file://{conf}/metastore-log4j2.properties" for log4j in ("log4j", "log4j2")),
        *("-cp", _class_path(local, conf)),
    ]
    environment = {"METASTORE_HOME": str(local.tool("hms_home")), "METASTORE_CONF_DIR": str(conf)}
    if not _has_schema(local):
        tool = "org.apache.hadoop.hive.metastore.tools.MetastoreSchemaTool"
        run([*java, tool, "-dbType", "postgres", "-initSchema"], environment={**os.environ, **environment})
    return Launch([*java, "LoopbackOnly", "org.apache.hadoop.hive.metastore.HiveMetaStore"], environment)


def _compile_wrapper(local: Local) -> Path:
    """The compiled ``LoopbackOnly``, made where it is missing or older than its source."""
    source = Path(__file__).with_name("java") / "LoopbackOnly.java"
    compiled = local.conf("metastore") / "LoopbackOnly.class"
    if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
        javac = local.tool("java17_home") / "bin" / "javac"
        run([str(javac), "-d", str(compiled.parent), str(source)])
    return compiled


def _site(local: Local) -> dict[str, str]:
    return {
        "metastore.thrift.uris": f"thrift://{local.address('metastore')}",
        "metastore.thrift.port": str(local.port("metastore")),
        "metastore.warehouse.dir": "s3a://lake/warehouse",
        "metastore.warehouse.external.dir": "s3a://lake/external",
        "javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver",
        "javax.jdo.option.ConnectionURL": f"jdbc:postgresql://{local.address('postgres')}/metastore",
        "javax.jdo.option.ConnectionUserName": "metastore",
        "javax.jdo.option.ConnectionPassword": local.secret("postgres-metastore"),
        "datanucleus.connectionPool.maxPoolSize": "5",
        "metastore.server.min.threads": "8",
        "metastore.server.max.threads": "64",
        "metastore.event.db.notification.api.auth": "false",
        "metastore.metrics.enabled": "false",
        "metastore.task.threads.always": "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
        "metastore.expression.proxy": "org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy",
        "metastore.disallow.incompatible.col.type.changes": "false",
        "metastore.stats.autogather": "false",
        "hive.metastore.housekeeping.threads.on": "false",
        "metastore.compactor.initiator.on": "false",
    }


def _class_path(local: Local, conf: Path) -> str:
    """Its own libraries first, then Hadoop's client out of PySpark's wheel, then S3A with Amazon's modules."""
    pyspark = local.tool("spark_home") / "jars"
    hadoop_client = [*pyspark.glob("hadoop-client-api-*.jar"), *pyspark.glob("hadoop-client-runtime-*.jar")]
    s3a = [jar for jar in local.tool("spark_jars").glob("*.jar") if not jar.name.startswith(JARS_OF_OTHERS)]
    own = [str(conf), f"{local.tool('hms_extra')}/*", f"{local.tool('hms_home')}/lib/*"]
    return ":".join([*own, *map(str, sorted(hadoop_client)), *map(str, sorted(s3a))])


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
