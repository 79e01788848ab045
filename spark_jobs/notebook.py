"""A Spark session for a notebook: it reads what an analyst may read as files, and can change nothing.

It never sees the metastore: its catalog ``lake`` is :mod:`enginedge.lake.read_only_catalog`, which this process serves
on loopback, and the files are read with the object store's user ``analyst``, who can't write.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from enginedge.lake import read_only_catalog
from enginedge.settings import HOST, settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

USER = "analyst"


def read_only_session(memory: str = "768m") -> SparkSession:
    """A session of one core whose catalog ``lake`` has what an analyst may read: ``lake.core.kafka__service_events``.

    A second call in one process gives the same session; each query sees what is published when it starts.

    Raises:
        Misconfigured: the stack's tools are not installed.
    """
    from pyspark.sql import SparkSession

    tools = settings().toolchain()
    os.environ.update(JAVA_HOME=tools["java17_home"], SPARK_HOME=tools["spark_home"], SPARK_LOCAL_IP=HOST)
    for of_jobs_that_write in ("SPARK_CONF_DIR", "HADOOP_CONF_DIR", "SPARK_REMOTE"):
        os.environ.pop(of_jobs_that_write, None)
    builder = SparkSession.builder.appName("notebook").master("local[1]")
    for name, value in _configuration(tools["spark_jars"], _catalog(), memory).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    _open_store(session)
    return session


@lru_cache(maxsize=1)
def _catalog() -> str:
    return f"http://{HOST}:{read_only_catalog.start().server_port}"


def _configuration(jars: str, catalog: str, memory: str) -> dict[str, str]:
    """What may stand on a command line: it holds no secret."""
    return {
        "spark.driver.memory": memory,
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.driver.extraClassPath": f"{jars}/*",
        "spark.driver.defaultJavaOptions": "-XX:+UseSerialGC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "rest",
        "spark.sql.catalog.lake.uri": catalog,
        "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        "spark.sql.catalog.lake.cache-enabled": "false",
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
