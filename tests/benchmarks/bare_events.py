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
LATEST = timedelta(days=7)  # no event comes later than that, so the merge looks no further back
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required"
FIELDS = ("event_id", "worker", "operation", "outcome", "occurred_at", "duration_ms", "queue_ms", "trace_id", "attempt")

EVENTS = """
    SELECT e.event_id, regexp_replace(split(position, '/')[0], '^events[.]', '') AS family, e.worker, e.operation,
        lower(trim(e.outcome)) AS outcome, try_cast(e.occurred_at AS timestamp) AS occurred_at,
        to_date(try_cast(e.occurred_at AS timestamp)) AS occurred_on, changed_at AS arrived_at,
        (unix_micros(changed_at) - unix_micros(try_cast(e.occurred_at AS timestamp))) / 1e6D AS delay_s,
        try_cast(e.duration_ms AS double) / 1000 AS duration_s, try_cast(e.queue_ms AS double) / 1000 AS queue_s,
        e.trace_id, try_cast(e.attempt AS int) AS attempt, try_cast(e.bytes AS bigint) AS payload_bytes,
        _night, position
    FROM (SELECT *, from_json(record, '{fields}') AS e FROM {raw} WHERE _night = DATE'{night}')
    WHERE is_valid_utf8(record)
"""
GOOD = """
    event_id IS NOT NULL AND worker IS NOT NULL AND operation IS NOT NULL AND occurred_at IS NOT NULL
    AND outcome IN ('ok', 'error', 'timeout') AND duration_s >= 0 AND coalesce(queue_s >= 0, true)
    AND coalesce(attempt >= 1, true) AND coalesce(payload_bytes >= 0, true)
"""
MERGE = """
    MERGE INTO {core} t
    USING (
        SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY occurred_at DESC, position) AS place
            FROM ({events}) WHERE {good}
        ) WHERE place = 1
    ) s
    ON t.event_id = s.event_id AND t.occurred_on >= DATE'{earliest}'
    WHEN MATCHED AND s.occurred_at > t.occurred_at THEN UPDATE SET *
    WHEN NOT MATCHED THEN INSERT *
"""


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
            merge(spark, night)
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


def merge(spark: SparkSession, night: date) -> None:
    """The newest version of each good event of the night into the core table."""
    fields = ", ".join(f"{field} string" for field in (*FIELDS, "bytes"))
    events = EVENTS.format(fields=fields, raw=RAW, night=night)
    spark.sql(MERGE.format(core=CORE, events=events, good=GOOD, earliest=night - LATEST))


def _bounds(night: date) -> dict[str, str]:
    """From the first record of the night to its last, by their time of arrival."""
    start = datetime.combine(night, time(), UTC)
    first, end = (str(int(at.timestamp() * 1000)) for at in (start, start + timedelta(days=1)))
    return {"subscribePattern": "events[.].*", "startingTimestamp": first, "endingTimestamp": end}


def _connection() -> dict[str, str]:
    login = f'username="lake" password="{settings().secret("kafka-lake")}"'
    return {
        "kafka.bootstrap.servers": str(settings().endpoint("kafka")),
        "kafka.security.protocol": "SASL_PLAINTEXT",
        "kafka.sasl.mechanism": "SCRAM-SHA-512",
        "kafka.sasl.jaas.config": f"{LOGIN} {login};",
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
