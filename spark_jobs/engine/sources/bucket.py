"""Files of a bucket that are laid out by day (``<prefix>/dt=YYYY-MM-DD/…``): their lines, or each as one document.

The listing is bounded: after the first time only the days from ``LOOKBACK`` nights before the last published one are
listed. A file is known by key and etag; what raw has of those days is taken out, so a file that is written again is
read again, and one that is late by less than the lookback is not lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from enginedge.storage import s3
from spark_jobs.engine.java import java_class
from spark_jobs.engine.sources import Reading

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LOOKBACK = timedelta(days=7)
LISTED_UNTIL = "listed_until"
FILES = "path string, etag string, key string, size bigint"
File = tuple[str, str, str, int]


#: Spark leaves out files of no bytes; one that has some and was not read is an error, never an empty record.
CONTENT = "coalesce(CAST(content AS string), if(size = 0, '', CAST(raise_error(concat('not read: ', key)) AS string)))"
#: A line of a file that was not listed must not be left out in silence.
LISTED = "coalesce(key, CAST(raise_error(concat('not listed: ', path)) AS string))"
TEXT = "make_valid_utf8(value)"
GLOB = re.compile(r"[][{}*?\\]")


@dataclass(frozen=True)
class Files:
    """Records out of the files that are new.

    Attributes:
        rows: what the files hold, one row a record: ``value`` as it came, and its ``position``.
        field: where a field of a record stands, as an expression.
        key, changed: the fields that are a record's key and its change time.
    """

    rows: Callable[[SparkSession, list[File]], DataFrame]
    field: Callable[[str], str]
    key: str
    changed: str

    def read(self, reading: Reading) -> DataFrame:
        files = _new_files(reading)
        if not files:
            return _nothing(reading)
        return self.rows(reading.session, files).selectExpr(
            f"{TEXT} AS record",
            "CASE WHEN NOT is_valid_utf8(value) THEN CAST(value AS binary) END AS record_bytes",
            f"{self.field(self.key)} AS record_key",
            "position",
            f"try_cast({self.field(self.changed)} AS timestamp) AS changed_at",
        )

    def position(self, reading: Reading, written: DataFrame) -> dict[str, Any]:  # noqa: ARG002 - the listing is the position
        return {LISTED_UNTIL: reading.night.label}


def lines(key: str, changed: str = "updated_at") -> Files:
    """Each line is a record, a JSON object with the fields ``key`` and ``changed``."""
    return Files(_lines, lambda field: f"get_json_object({TEXT}, '$.{field}')", key, changed)


def documents(key: str, changed: str = "updated_at") -> Files:
    """Each file is a record, with ``key`` and ``changed`` in its front matter."""
    return Files(_documents, _front_matter, key, changed)


def _lines(spark: SparkSession, files: list[File]) -> DataFrame:
    found = spark.read.text([_literal(path) for path, *_ in files]).selectExpr(
        "value",
        "_metadata.file_path AS path",
        "_metadata.file_block_start AS block",
        "monotonically_increasing_id() AS id",
    )
    numbered = found.selectExpr("*", "row_number() OVER (PARTITION BY path ORDER BY block, id) AS line")
    listed = spark.createDataFrame([(_as_spark_tells(spark, path), *rest) for path, *rest in files], FILES)
    rows = numbered.join(listed, "path", "left").where("trim(value) <> ''")
    return rows.selectExpr("value", f"concat({LISTED}, '@', etag, '#', line) AS position")


def _documents(spark: SparkSession, files: list[File]) -> DataFrame:
    contents = spark.read.format("binaryFile").load([_literal(path) for path, *_ in files])
    rows = spark.createDataFrame(files, FILES).join(contents, "path", "left")
    return rows.selectExpr(f"{CONTENT} AS value", "concat(key, '@', etag) AS position")


def _literal(path: str) -> str:
    """``path`` as Spark is to read it: it takes brackets and stars for patterns."""
    return GLOB.sub(r"\\\g<0>", path)


def _as_spark_tells(spark: SparkSession, path: str) -> str:
    """``path`` as ``_metadata.file_path`` has it: as an address, in which a blank is ``%20``."""
    return str(java_class(spark, "org.apache.hadoop.fs.Path")(path).toUri().toString())


def _front_matter(field: str) -> str:
    return f"nullif(regexp_extract({TEXT}, '(?m)^{field}:[ ]*(.*?)[ ]*$', 1), '')"


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
    read = "regexp_replace(position, '#[0-9]+$', '')"
    known = reading.known.where(f"_night >= DATE'{first}'").selectExpr(f"{read} AS file").distinct().collect()
    already = {row["file"] for row in known}
    return [file for file in found if f"{file[2]}@{file[1]}" not in already]


def _files(reading: Reading, first: date | None) -> Iterator[File]:
    """The files of the days from ``first`` (the beginning, where there is none) to the night."""
    origin = reading.origin
    bucket, prefix = origin.container, f"{origin.objects[0]}/dt="
    after = f"{prefix}{first.isoformat()}" if first else prefix
    pages = s3("lake").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=after)
    for page in pages:
        for found in page.get("Contents", []):
            key = found["Key"]
            if key[len(prefix) :].partition("/")[0] > reading.night.label:
                return
            if _is_no_record(key):
                continue
            yield f"s3a://{bucket}/{key}", found["ETag"].strip('"'), key, found["Size"]


def _is_no_record(key: str) -> bool:
    """A folder's mark, or a name that Spark and Hive leave out: reading one as a file would fail each night again."""
    return key.rpartition("/")[2].startswith(("_", ".")) or key.endswith(("/", "._COPYING_"))
