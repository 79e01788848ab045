"""A Spark session for a notebook: it reads what an analyst may read, and can change nothing.

Spark asks no one for permission: who holds the metastore's address may rename or drop any table in it. So this session
never sees the metastore. Its catalog ``lake`` lives in its own memory and holds the tables that Trino lets the user
``analyst`` read, each as it stands when the session starts; the files behind them are read with the object store's
user ``analyst``, who can't write. A table dropped here is gone from this notebook alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enginedge.errors import Misconfigured
from enginedge.lake.analyst import metadata_files
from enginedge.settings import HOST, settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

USER = "analyst"


def read_only_session(*tables: str, memory: str = "768m") -> SparkSession:
    """A session of one core whose catalog ``lake`` has ``tables`` (such as ``core.kafka__service_events``).

    Without ``tables`` it has every table that the analyst may read. A second call in one notebook gives the same session,
    with its tables as they stand now.

    Raises:
        Misconfigured: there is no such table for this user, or the stack's tools are not installed.
        Unavailable: Trino did not answer.
    """
    from pyspark.sql import SparkSession

    files = metadata_files(*tables)
    tools = _tools()
    os.environ.update(JAVA_HOME=tools["java17_home"], SPARK_HOME=tools["spark_home"], SPARK_LOCAL_IP=HOST)
    for unwanted in ("SPARK_CONF_DIR", "HADOOP_CONF_DIR", "SPARK_REMOTE"):
        os.environ.pop(unwanted, None)
    builder = SparkSession.builder.appName("notebook").master("local[1]")
    for name, value in _configuration(tools["spark_jars"], memory).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    _open_store(session)
    _register(session, files.items())
    return session


def _tools() -> dict[str, Any]:
    """Where the stack's bootstrap put Java, Spark and Spark's jars."""
    path: Path = settings().state / "toolchain.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise Misconfigured("Spark is not installed", where=str(path), remedy="run `make up`") from None
    return found


def _configuration(jars: str, memory: str) -> dict[str, str]:
    """What may stand on a command line: it holds no secret."""
    return {
        "spark.driver.memory": memory,
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.driver.extraClassPath": f"{jars}/*",
        "spark.driver.defaultJavaOptions": "-XX:+UseSerialGC -Dderby.stream.error.file=/dev/null",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "hive",
        "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        "spark.sql.catalog.lake.warehouse": "s3a://lake",
        "spark.sql.catalog.lake.cache-enabled": "false",
        # Hive's metastore as a library, in this driver's memory: no address is set, so that no other is ever reached.
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:lake;create=true",
        "spark.hadoop.javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
    }


def _open_store(session: SparkSession) -> None:
    """The key goes straight into the driver's memory: as a setting of the session it would be in its command line."""
    store = session.sparkContext._jsc.hadoopConfiguration()
    for name, value in {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3a.endpoint": settings().endpoint("minio").url,
        "fs.s3a.endpoint.region": "us-east-1",
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
        "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
        "fs.s3a.access.key": USER,
        "fs.s3a.secret.key": settings().secret(f"minio-{USER}"),
    }.items():
        store.set(name, value)


def _register(session: SparkSession, files: Iterable[tuple[str, str]]) -> None:
    for table, file in files:
        session.sql(f"create namespace if not exists lake.{table.partition('.')[0]}")
        session.sql(f"drop table if exists lake.{table}")
        session.sql(f"call lake.system.register_table(table => '{table}', metadata_file => '{file}')")
