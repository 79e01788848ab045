"""A night of service events as a Spark job without the engine would write it: the other side of ``safety_tax``.

Read Kafka, append the records to a raw table, parse and filter them by hand, merge the newest version of each event. No
branch, no audit, no counts, no quarantine, no lineage: what stands in the tables afterwards is all that is alike.

``bare_events.py`` makes the tables as the engine's stand now; with ``--night 2026-11-23`` it writes that night to them.
It says ``started`` when its session stands.
"""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from enginedge.settings import settings
from tests.benchmarks.bare_merge import merge

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAME = "kafka__service_events"
RAW, CORE = f"lake.bare_raw.{NAME}", f"lake.bare_core.{NAME}"
STARTED = "started"
PROPERTIES = "'format-version'='2', 'write.merge.mode'='merge-on-read', 'write.delete.granularity'='file'"
ALIKE = {
    "spark.cores.max": "1",
    "spark.executor.cores": "1",
    "spark.executor.memory": "768m",
    "spark.ui.enabled": "false",
    "spark.extraListeners": "",
}
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required"


def main() -> None:
    """Make the tables, or write one night to them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--night", type=date.fromisoformat)
    night: date | None = parser.parse_args().night
    spark = _session()
    print(STARTED, flush=True)
    try:
        if night is None:
            make(spark)
        else:
            append(spark, night)
            spark.sql(merge(RAW, CORE, night))
    finally:
        spark.stop()


def make(spark: SparkSession) -> None:
    """Tables that hold what the engine's tables hold, partitioned as these are."""
    taken = {RAW: ("record, position, changed_at, _night", "_night"), CORE: ("*", "occurred_on")}
    for table, (columns, partition) in taken.items():
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {table.rpartition('.')[0]}")
        spark.sql(f"DROP TABLE IF EXISTS {table} PURGE")
        spark.sql(
            f"CREATE TABLE {table} USING iceberg PARTITIONED BY ({partition}) TBLPROPERTIES ({PROPERTIES}) "  # noqa: S608
            f"AS SELECT {columns} FROM {table.replace('bare_', '')}"
        )


def append(spark: SparkSession, night: date) -> None:
    """The night's records, as they came, onto the raw table."""
    records = spark.read.format("kafka").options(**_connection()).options(**_bounds(night)).load()
    records.selectExpr(
        "CAST(value AS string) AS record",
        "concat(topic, '/', partition, '/', offset) AS position",
        "timestamp AS changed_at",
        f"DATE'{night}' AS _night",
    ).writeTo(RAW).append()


def _bounds(night: date) -> dict[str, str]:
    """From the first record of the night to its last, by their time of arrival."""
    start = datetime.combine(night, time(), UTC)
    first, end = (str(int(at.timestamp() * 1000)) for at in (start, start + timedelta(days=1)))
    return {
        "subscribePattern": "events[.].*",
        "startingTimestamp": first,
        "startingOffsetsByTimestampStrategy": "latest",  # of a partition that has nothing new
        "endingTimestamp": end,
    }


def _connection() -> dict[str, str]:
    login = f'username="lake" password="{settings().secret("kafka-lake")}"'
    return {
        "kafka.bootstrap.servers": str(settings().endpoint("kafka")),
        "kafka.security.protocol": "SASL_PLAINTEXT",
        "kafka.sasl.mechanism": "SCRAM-SHA-512",
        "kafka.sasl.jaas.config": f"{LOGIN} {login};",
        "kafka.fetch.max.wait.ms": "20",  # as the engine: that is no tax
    }


def _session() -> SparkSession:
    """As large as the engine's applications are, without the listener for lineage."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName(f"bare {NAME}")
    for name, value in ALIKE.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


if __name__ == "__main__":
    main()
