"""One name for a table, whoever speaks of it, and one name for a job, whatever run it is in.

Spark names an Iceberg table by its path and adds the metastore's name as a symlink; Trino names it by catalog; dbt and
Airflow by something else again. A graph joins only where the names do, so every name is made the metastore's:
namespace ``hive://host:port``, name ``schema.table``. Branches are not tables: they fold into theirs. Sources keep the
names that OpenLineage's naming rules give them. All functions are pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

HEX_SUFFIX = re.compile(r"-[0-9a-f]{32}$")
BRANCH = re.compile(r"[._@#]?(?:branch_)?night_\d{8}_[0-9a-zA-Z]+$|[.](?:branch|tag)_[^.]+$|@[^.@]+$")
METADATA_TABLES = frozenset(
    {"snapshots", "history", "files", "manifests", "partitions", "refs", "entries", "all_files"}
)
BUILD_SUFFIXES = ("__dbt_tmp", "__dbt_backup")
CATALOG_NAMES = frozenset({"spark_catalog", "iceberg", "hive"})
LOOPBACK = re.compile(r"(?<=//)(?:localhost|\[::1\])(?=[:/]|$)")
CREDENTIALS = re.compile(r"(?<=//)[^/]*@")
LOGIN = re.compile(r"(?<=//)[^/\s\"':@]*:[^/\s\"']*@|(?<=[?&;]password=)[^&;\s\"']+")

TRINO_QUERY_ID = re.compile(r"^\d{8}_\d{6}_\d{5}_[a-z0-9]{5}$")
DBT_COMMENT = re.compile(
    r'/\*\s*(?:\{[^*]*?"node_id":\s*")?(?P<kind>model|seed|snapshot|test|unit_test|operation)\.[^.\s"]+\.(?P<name>[^\s"*]+)'
)
TARGET = re.compile(
    r"^\s*(?:create\s+(?:or\s+replace\s+)?table(?:\s+if\s+not\s+exists)?|insert\s+into|insert\s+overwrite|merge\s+into"
    r"|delete\s+from|update|alter\s+table|drop\s+table(?:\s+if\s+exists)?|create\s+(?:or\s+replace\s+)?view)"
    r'\s+(?P<target>["\w.$]+)',
    re.IGNORECASE,
)
COMMENTS = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
LITERALS = re.compile(r"'(?:[^']|'')*'")
NIGHT_IN_NAME = re.compile(r"[._-](?:branch_)?night_\d{8}_[0-9a-zA-Z]+|[._-]\d{4}[-_]?\d{2}[-_]?\d{2}(?=[._-]|$)")
UUID_IN_NAME = re.compile(r"[._-]?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def without_comments(sql: str) -> str:
    """The statement, a blank in place of each comment."""
    return COMMENTS.sub(" ", sql)


@dataclass(frozen=True)
class DatasetName:
    """A dataset's namespace and name, as OpenLineage pairs them."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Names:
    """What is ours: the metastore, the buckets that hold its tables, and the catalogs that show them.

    Attributes:
        metastore: the canonical namespace, ``hive://host:port``.
        warehouses: namespaces of buckets whose ``schema/table`` paths are tables of the metastore.
        catalogs: names under which Trino and Spark show the metastore's tables.
    """

    metastore: str
    warehouses: frozenset[str] = field(default_factory=lambda: frozenset({"s3://lake"}))
    catalogs: frozenset[str] = field(default_factory=lambda: frozenset({"lake", "files"}))

    def canonical(self, namespace: str, name: str, symlinks: Iterable[Mapping[str, Any]] = ()) -> DatasetName:
        """The one name of the dataset that somebody calls ``namespace`` / ``name``.

        ``symlinks`` are the identifiers of the dataset's symlinks facet; one that names a table of a metastore wins.
        """
        namespace = tidy_namespace(namespace)
        for link in symlinks:
            linked = tidy_namespace(str(link.get("namespace", "")))
            if linked.startswith("hive://"):
                return DatasetName(linked, self.table(str(link.get("name", ""))))
        return self._by_form(namespace, name) or DatasetName(namespace, name)

    def _by_form(self, namespace: str, name: str) -> DatasetName | None:
        scheme, _, rest = namespace.partition("://")
        if scheme == "hive":
            return DatasetName(namespace, self.table(name))
        if scheme == "trino":
            catalog, _, table = name.partition(".")
            return DatasetName(self.metastore, self.table(table)) if catalog in self.catalogs and table else None
        if scheme == "iceberg":
            return DatasetName(self.metastore, self.table(name.strip("/").replace("/", "."))) if rest else None
        if namespace in self.warehouses:
            at_path = _table_of_path(name)
            return DatasetName(self.metastore, self.table(at_path)) if at_path else None
        return None

    def table(self, name: str) -> str:
        """``schema.table`` of a dotted name: without catalog, branch, metadata table and the suffix of a table being
        built.
        """
        name = name.replace('"', "").replace("`", "").partition("$")[0]
        folded = BRANCH.sub("", name)
        parts = (folded or name).split(".")
        if len(parts) > 2 and (parts[0] in self.catalogs or parts[0] in CATALOG_NAMES):
            parts = parts[1:]
        if len(parts) > 2 and parts[-1] in METADATA_TABLES:
            parts = parts[:-1]
        for suffix in BUILD_SUFFIXES:
            parts[-1] = parts[-1].removesuffix(suffix)
        return ".".join(parts)


def tidy_namespace(namespace: str) -> str:
    """``namespace`` with one spelling for S3 and for loopback, and without the login that a connection string may
    carry.
    """
    namespace = re.sub(r"^s3[an]://", "s3://", namespace)
    namespace = CREDENTIALS.sub("", namespace)
    return LOOPBACK.sub("127.0.0.1", namespace).rstrip("/") or namespace


def without_logins(text: str) -> str:
    """``text`` without the passwords, and their users, in the addresses that stand anywhere in it."""
    return LOGIN.sub("", text)


def _table_of_path(path: str) -> str | None:
    parts = path.strip("/").split("/")
    if len(parts) > 2 and parts[2] in ("data", "metadata"):
        parts = parts[:2]
    if len(parts) != 2:
        return None
    return f"{parts[0].removesuffix('.db')}.{HEX_SUFFIX.sub('', parts[1])}"


def job_name(name: str, *, names: Names, sql: str = "", source: str = "") -> str:
    """A name that is the same for the next run of the same work.

    A Trino query id says nothing about the work: it is replaced by the dbt node or the table that the statement writes,
    or by a digest of the statement. From other names the parts that differ each night (branch, day, run id) are cut.
    """
    if TRINO_QUERY_ID.match(name):
        return _statement_name(sql, names, source)
    steady = UUID_IN_NAME.sub("", NIGHT_IN_NAME.sub("", name)).strip("._-")
    return steady or name


def _statement_name(sql: str, names: Names, source: str) -> str:
    node = DBT_COMMENT.search(sql)
    bare = without_comments(sql).strip()
    target = written_table(bare, names)
    if node and node["kind"] in ("model", "seed", "snapshot"):
        return f"{node['name']}.build" if target is None else f"{target}.build"
    if node:
        return f"{node['name']}.{node['kind']}"
    if target:
        return f"{target}.{_verb(bare, target)}"
    digest = hashlib.sha256(" ".join(bare.lower().split()).encode()).hexdigest()[:12]
    return f"{source or 'query'}.{digest}"


def written_table(sql: str, names: Names) -> str | None:
    """The ``schema.table`` that a statement writes, or ``None``."""
    found = TARGET.match(without_comments(sql))
    return names.table(found["target"]) if found else None


def _verb(sql: str, target: str) -> str:
    schema, _, table = target.partition(".")
    if re.search(rf'\bfrom\s+["\w.]*{schema}_next"?\."?{re.escape(table)}\b', sql, re.IGNORECASE):
        return "publish"
    verb = sql.split(None, 1)[0].lower() if sql else "query"
    return {"create": "build", "insert": "append"}.get(verb, verb)
