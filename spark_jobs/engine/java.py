"""Java's classes, which PySpark's driver asks for what Python has no words for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def java_class(spark: SparkSession, name: str) -> Any:
    """The class of this full ``name``. By way of ``_jvm.org…`` each part of the name would be looked for as a class of
    its own, in every JAR there is."""
    from py4j.java_gateway import JavaClass

    jvm: Any = spark._jvm
    return JavaClass(name, jvm._gateway_client)
