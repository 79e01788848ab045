"""Files of a bucket that are laid out by day (``<prefix>/dt=YYYY-MM-DD/…``): their lines, or each as one document.

The listing is bounded: after the first time only the days from ``LOOKBACK`` nights before the last published one are
listed. A file is known by key and etag; what raw has of those days is taken out, so a file that is written again is
read again, and one that is late by less than the lookback is not lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from enginedge.settings import settings
from spark_jobs.engine.sources import Reading

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LOOKBACK = timedelta(days=7)
LISTED_UNTIL = "listed_until"
FILES = "path string, etag string, key string, size bigint"
File = tuple[str, str, str, int]


@dataclass(frozen=True)
class Lines:
    """Each line is a record; its key and its change time are the fields ``key`` and ``changed`` of its JSON."""

    key: str
    changed: str = "updated_at"

    def read(self, reading: Reading) -> DataFrame:
        files = _new_files(reading)
        if not files:
            return _nothing(reading)
        listed = reading.session.createDataFrame(files, FILES)
        lines = reading.session.read.text([path for path, *_ in files]).selectExpr(
            "value",
            "_metadata.file_path AS path",
            "_metadata.file_block_start AS block",
            "monotonically_increasing_id() AS id",
        )
        numbered = lines.selectExpr("*", "row_number() OVER (PARTITION BY path ORDER BY block, id) AS line")
        rows = numbered.join(listed, "path").where("trim(value) <> ''")
        text = "make_valid_utf8(value)"
        return rows.selectExpr(
            f"{text} AS record",
            "CASE WHEN NOT is_valid_utf8(value) THEN CAST(value AS binary) END AS record_bytes",
            f"get_json_object({text}, '$.{self.key}') AS record_key",
            "concat(key, '@', etag, '#', line) AS position",
            f"try_cast(get_json_object({text}, '$.{self.changed}') AS timestamp) AS changed_at",
        )

    def position(self, reading: Reading, written: DataFrame) -> dict[str, Any]:  # noqa: ARG002 - the listing is the position
        return {LISTED_UNTIL: reading.night.label}


@dataclass(frozen=True)
class Documents:
    """Each file is a record; its key and change time stand in its front matter as ``key`` and ``changed``."""

    key: str
    changed: str = "updated_at"

    def read(self, reading: Reading) -> DataFrame:
        files = _new_files(reading)
        if not files:
            return _nothing(reading)
        listed = reading.session.createDataFrame(files, FILES)
        contents = reading.session.read.format("binaryFile").load([path for path, *_ in files])
        rows = listed.join(contents, "path", "left").selectExpr("*", f"{_CONTENT} AS value")
        text = "make_valid_utf8(value)"
        return rows.selectExpr(
            f"{text} AS record",
            "CASE WHEN NOT is_valid_utf8(value) THEN content END AS record_bytes",
            f"nullif({_front_matter(text, self.key)}, '') AS record_key",
            "concat(key, '@', etag) AS position",
            f"try_cast({_front_matter(text, self.changed)} AS timestamp) AS changed_at",
        )

    def position(self, reading: Reading, written: DataFrame) -> dict[str, Any]:  # noqa: ARG002 - the listing is the position
        return {LISTED_UNTIL: reading.night.label}


#: Spark leaves out files of no bytes; one that has some and was not read is an error, never an empty record.
_CONTENT = "coalesce(CAST(content AS string), if(size = 0, '', CAST(raise_error(concat('not read: ', key)) AS string)))"


def _front_matter(text: str, field: str) -> str:
    return f"regexp_extract({text}, '(?m)^{field}:[ ]*(.*?)[ ]*$', 1)"


def _nothing(reading: Reading) -> DataFrame:
    columns = "record string, record_bytes binary, record_key string, position string, changed_at timestamp"
    return reading.session.createDataFrame([], columns)


def _new_files(reading: Reading) -> list[File]:
    """Path, etag, key and size of each file of those nights that raw has not read in this version."""
    listed_until = reading.position.get(LISTED_UNTIL)
    first = date.fromisoformat(listed_until) + timedelta(days=1) - LOOKBACK if listed_until else None
    found = list(_files(reading, first))
    if first is None:
        return found
    read = "substring_index(position, '#', 1)"
    known = reading.known.where(f"_night >= DATE'{first}'").selectExpr(f"{read} AS file").distinct().collect()
    already = {row["file"] for row in known}
    return [file for file in found if f"{file[2]}@{file[1]}" not in already]


def _files(reading: Reading, first: date | None) -> Iterator[File]:
    """The files of the days from ``first`` (the beginning, where there is none) to the night."""
    origin = reading.origin
    bucket, prefix = origin.container, f"{origin.objects[0]}/dt="
    after = f"{prefix}{first.isoformat()}" if first else prefix
    pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=after)
    for page in pages:
        for found in page.get("Contents", []):
            key = found["Key"]
            if key[len(prefix) :].partition("/")[0] > reading.night.label:
                return
            yield f"s3a://{bucket}/{key}", found["ETag"].strip('"'), key, found["Size"]


def _client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=settings().endpoint("minio").url,
        aws_access_key_id="lake",
        aws_secret_access_key=settings().secret("minio-lake"),
        region_name="us-east-1",
        config=Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
    )
