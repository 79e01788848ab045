"""Documents of a MongoDB collection, each whole, as relaxed extended JSON.

The filter runs in MongoDB. A document whose change time is no date (or missing) could never match a range of dates, and
would be lost in silence; so those are read every night, and what raw already has of them is taken out.
Connector: mongo-spark-connector 10.5, read options ``aggregation.pipeline`` and ``outputExtendedJson``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from enginedge.settings import settings
from spark_jobs.engine.sources import Reading, newest_change
from spark_jobs.engine.sources.extended_json import relaxed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TIMEOUTS = "connectTimeoutMS=5000&serverSelectionTimeoutMS=8000&socketTimeoutMS=300000"


@dataclass(frozen=True)
class Collection:
    """The collection that the contract names, by key ``_id`` and change time ``changed``."""

    changed: str = "updated_at"

    def read(self, reading: Reading) -> DataFrame:
        origin = reading.origin
        documents = (
            reading.session.read.format("mongodb")
            .schema("document string")
            .option("connection.uri", uri(origin.container))
            .option("database", origin.container)
            .option("collection", origin.objects[0])
            .option("aggregation.pipeline", json.dumps(self._pipeline(reading)))
            .option("outputExtendedJson", "true")
            .load()
        )
        rows = documents.selectExpr(f"{relaxed('document')} AS record").selectExpr(
            "record",
            "CAST(NULL AS binary) AS record_bytes",
            "get_json_object(record, '$._id') AS record_key",
            f"try_cast(get_json_object(record, '$.{self.changed}.$date') AS timestamp) AS changed_at",
        )
        position = "concat(coalesce(record_key, ''), '@', coalesce(CAST(changed_at AS string), '')) AS position"
        return reading.unknown(rows).selectExpr("record", "record_bytes", "record_key", position, "changed_at")

    def position(self, reading: Reading, written: DataFrame) -> dict[str, Any]:  # noqa: ARG002 - the protocol's
        return newest_change(written)

    def _pipeline(self, reading: Reading) -> list[dict[str, Any]]:
        bounds: dict[str, Any] = {"$lt": _date(reading.night.end)}
        if reading.since is not None:
            bounds["$gte"] = _date(reading.since)
        undated = {self.changed: {"$not": {"$type": "date"}}}
        return [
            {"$match": {"$or": [{self.changed: bounds}, undated]}},
            {"$project": {"_id": 0, "document": "$$ROOT"}},
        ]


def uri(database: str) -> str:
    """The connection string of the user ``lake``, who may read ``database``."""
    password = quote_plus(settings().secret("mongodb-lake"))
    endpoint = settings().endpoint("mongodb")
    return f"mongodb://lake:{password}@{endpoint}/{database}?authSource=admin&replicaSet=rs0&{TIMEOUTS}"


def _date(at: datetime) -> dict[str, str]:
    return {"$date": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
