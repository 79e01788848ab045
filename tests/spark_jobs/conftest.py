"""A Spark of this process alone, with an Iceberg catalog in a temporary folder: the engine's own code, no stack."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.local.services.spark import QUICK
from enginedge.settings import settings
from tests.spark_jobs.lake import Lake

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.defaultJavaOptions": QUICK,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.lake.type": "hadoop",
    "spark.sql.catalog.lake.cache-enabled": "false",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session of one core whose catalog ``lake`` is a folder."""
    from pyspark.sql import SparkSession

    # It tells of each connection that it closes, also at the interpreter's end, when nobody can be told any more.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    tools = settings().toolchain()
    os.environ["JAVA_HOME"] = tools["java17_home"]
    os.environ.pop("SPARK_CONF_DIR", None)
    configuration = {
        **SETTINGS,
        "spark.driver.extraClassPath": f"{tools['spark_jars']}/*",
        "spark.sql.catalog.lake.warehouse": str(tmp_path_factory.mktemp("warehouse")),
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("hive")),
    }
    builder = SparkSession.builder.appName("tests").master("local[1]")
    for name, value in configuration.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def lake(spark: SparkSession) -> Iterator[Lake]:
    """An empty lake of conversations."""
    made = Lake(spark)
    made.drop()
    yield made
    made.drop()


@pytest.fixture(autouse=True, scope="module")
def _sockets_are_closed() -> Iterator[None]:
    """PySpark closes the socket of a ``collect`` when it is collected itself: before the next module, where that would
    be a warning. Once a module, since it takes most of a second.
    """
    yield
    gc.collect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))
