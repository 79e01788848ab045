"""The lake as two backups hold it together: the metastore's database names each table's metadata, the bucket has it.

What is kept beside the dump of the database is what no single backup can tell: which tables it names, and what the
running Trino reads at exactly the snapshots that it names. Metadata never changes once it is written, so that asking a
moment later still describes the dumped moment; only a table that was dropped since is lost to the asker.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from enginedge import trino
from enginedge.backup.object_store import ObjectStore
from enginedge.backup.shapes import Dumped
from enginedge.errors import EnginEdgeError, Misconfigured, Violated
from enginedge.table_digest import digest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATABASE = "metastore"
MARTS = "mart."
METADATA = ".metadata.json"
ALL_OTHERS = "all others"
TABLES = """
select d."NAME", t."TBL_NAME", coalesce(p."PARAM_VALUE", s."LOCATION")
from public."TBLS" t join public."DBS" d on d."DB_ID" = t."DB_ID" left join public."SDS" s on s."SD_ID" = t."SD_ID"
left join public."TABLE_PARAMS" p on p."TBL_ID" = t."TBL_ID" and p."PARAM_KEY" = 'metadata_location'
where t."TBL_TYPE" <> 'VIRTUAL_VIEW' order by 1, 2
"""


@dataclass(frozen=True)
class Standing:
    """A table as its metadata says that it stands.

    Attributes:
        snapshot: the current one; none in a table that was never written to.
        rows: how many it has; none where rows were deleted since they were written, and only a scan can tell.
    """

    snapshot: int | None
    rows: int | None


def named_tables(connection: Any, database: str) -> dict[str, str]:
    """Every table that the metastore's database names, as ``schema.table``, and where its metadata lies; where its
    files do, of a table that is no Iceberg table."""
    if database != DATABASE or not _has_tables(connection):
        return {}
    return {f"{schema}.{table}": location for schema, table, location in connection.execute(TABLES).fetchall()}


def standing(client: S3Client, location: str) -> Standing:
    """What the metadata at ``location`` says.

    Raises:
        Violated: it is not there, or is no metadata.
    """
    at = urlsplit(location)
    try:
        document = json.loads(client.get_object(Bucket=at.netloc, Key=at.path.lstrip("/"))["Body"].read())
        current = document.get("current-snapshot-id")
        if current in (None, -1):
            return Standing(None, 0)
        (summary,) = (each["summary"] for each in document["snapshots"] if each["snapshot-id"] == current)
        deleted = any(summary.get(f"total-{kind}-deletes", "0") != "0" for kind in ("position", "equality"))
        return Standing(current, None if deleted else int(summary["total-records"]))
    except client.exceptions.NoSuchKey:
        raise Violated("the metadata of a table is missing", where=location) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Violated(f"the metadata of a table is damaged ({error})", where=location) from error


def witness(dumped: Dumped, store: ObjectStore) -> Dumped:
    """``dumped`` with what the running Trino reads of its tables: each mart's digest, and the count of each table whose
    metadata does not tell it. It never fails: what could not be read is named, with the reason.

    Args:
        store: where the metadata lies.
    """
    if dumped.pointed is None:
        return dumped
    read: dict[str, str] = {}
    unread: dict[str, str] = {}
    try:
        with store.client() as client:
            for table, location in dumped.pointed.tables.items():
                try:
                    read |= _read(client, table, location)
                except (Misconfigured, Violated) as failure:
                    unread[table] = str(failure)
    except EnginEdgeError as failure:  # it would be as silent about the others, and the backup must not wait for each
        unread[ALL_OTHERS] = str(failure)
    return replace(dumped, pointed=replace(dumped.pointed, read=read, unread=unread))


def _read(client: S3Client, table: str, location: str) -> dict[str, str]:
    """What Trino has to say of ``table`` as it stands at ``location``, where there is something to be said."""
    if not location.endswith(METADATA):
        return {}
    found = standing(client, location)
    if found.snapshot is None or not (is_mart(table) or found.rows is None):
        return {}
    if is_mart(table):
        return {table: digest(table, snapshot=found.snapshot)}
    name = trino.quoted(*table.split(".", 1))
    return {table: str(trino.query(f"select count(*) from {name} for version as of {found.snapshot}").rows[0][0])}  # noqa: S608


def is_mart(table: str) -> bool:
    """Whether ``table`` is one that analysts read, of which not the count but every value is compared."""
    return table.startswith(MARTS)


def _has_tables(connection: Any) -> bool:
    """Whether the metastore has ever made its schema there."""
    return bool(connection.execute("select to_regclass('public.\"TBLS\"') is not null").fetchone()[0])
