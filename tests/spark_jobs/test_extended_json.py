"""The relaxed form is the one that MongoDB's own driver writes, whatever a document holds."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest
from bson import Decimal128, Int64, ObjectId, json_util

from spark_jobs.engine.sources.extended_json import relaxed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000)
DOCUMENT: dict[str, Any] = {
    "whole": 5,
    "negative": -3,
    "large": Int64(2**53),
    "fraction": 1.5,
    "huge": 1e300,
    "tiny": -2.5e-9,
    "no_number": float("nan"),
    "infinite": float("-inf"),
    "decimal": Decimal128("0.0123"),
    "moment": MOMENT,
    "second": MOMENT.replace(microsecond=0),
    "long_ago": datetime.datetime(1960, 1, 2),
    "far_off": datetime.datetime(9999, 12, 31, 23, 59, 59, 999000),
    "looks_like": '{"$date": {"$numberLong": "5"}}, {"$numberInt": "7"}',
    "text": 'quote " and \\ and ü 😀',
    "many": [1, {"inner": MOMENT}, Int64(3), [MOMENT]],
    "id": ObjectId("6b06128c8b060317640dd501"),
    "yes": True,
    "nothing": None,
    "bytes": b"ab",
}


@pytest.mark.parametrize("field", [*DOCUMENT, None])
def test_a_value_is_written_as_the_driver_writes_it(spark: SparkSession, field: str | None) -> None:
    document = DOCUMENT if field is None else {field: DOCUMENT[field]}
    canonical = json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS)
    expected = json_util.dumps(document, json_options=json_util.RELAXED_JSON_OPTIONS)
    frame = spark.createDataFrame([(canonical,)], "document string")
    (row,) = frame.selectExpr(f"{relaxed('document')} AS record").collect()
    assert json.loads(row["record"], parse_constant=str) == json.loads(expected, parse_constant=str)
