"""A source of raw records in memory: a collection of documents that grows and changes as the test says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spark_jobs.engine.sources import Reading, newest_change

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

COLUMNS = """
    record,
    CAST(NULL AS binary) AS record_bytes,
    get_json_object(record, '$._id') AS record_key,
    try_cast(get_json_object(record, '$.updated_at.$date') AS timestamp) AS changed_at
"""


@dataclass
class FakeCollection:
    """Documents in the order they were put, read as the real collection is: by change time, less what raw knows."""

    records: list[str] = field(default_factory=list)

    def put(self, *documents: dict[str, Any] | str) -> None:
        self.records += [each if isinstance(each, str) else json.dumps(each) for each in documents]

    def read(self, reading: Reading) -> DataFrame:
        rows = reading.session.createDataFrame([(record,) for record in self.records], "record string")
        bounds = f"changed_at IS NULL OR changed_at < TIMESTAMP'{reading.night.end.isoformat()}'"
        if reading.since is not None:
            bounds = f"({bounds}) AND (changed_at IS NULL OR changed_at >= TIMESTAMP'{reading.since.isoformat()}')"
        found = reading.unknown(rows.selectExpr(*COLUMNS.split(",\n")).where(bounds))
        position = "concat(coalesce(record_key, ''), '@', coalesce(CAST(changed_at AS string), '')) AS position"
        return found.selectExpr("record", "record_bytes", "record_key", position, "changed_at")

    def position(self, _reading: Reading, written: DataFrame) -> dict[str, Any]:
        return newest_change(written)
