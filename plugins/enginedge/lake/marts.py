"""Builds the marts beside what readers see, and puts them in their place once they are proved.

A mart is built by dbt into ``mart_next`` and tested there; a build that passed is marked on the table itself, by the id
of the snapshot that was tested. Publishing reads exactly that snapshot and replaces the mart in one Iceberg commit, so
that a reader sees the old mart or the new one, never a missing or an untested one, and a kill at any point leaves the
old one. Nothing else remembers anything: with ``mart_next`` and all of dbt's state gone, the next build is the same.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime

from enginedge import trino
from enginedge.errors import Unavailable, Violated
from enginedge.lake.declared import Mart, mart, marts
from enginedge.lake.leases import Lease, leased
from enginedge.lake.marts_dbt import run_dbt
from enginedge.table_digest import digest


@dataclass(frozen=True)
class Schemas:
    """The schemas of the catalog ``lake`` that marts are read from, built in and published to."""

    core: str = "core"
    beside: str = "mart_next"
    published: str = "mart"


@dataclass(frozen=True)
class Mark:
    """What is written on a build that passed its tests."""

    snapshot_id: int
    night: str
    run: str


LAKE = Schemas()


@dataclass(frozen=True)
class Built:
    """A mart that stands tested beside the published one. ``tests`` passed on ``snapshot_id``."""

    mart: str
    night: str
    run: str
    snapshot_id: int
    rows: int
    tests: int
    seconds: float
    query_ids: tuple[str, ...]


@dataclass(frozen=True)
class Published:
    """A mart as readers now see it. ``measure`` is its own total, which equals that of core."""

    mart: str
    night: str
    snapshot_id: int
    rows: int
    measure: str
    digest: str
    seconds: float
    query_ids: tuple[str, ...]


def build_mart(name: str, night: str, run: str, schemas: Schemas = LAKE) -> Built:
    """Build the mart ``name`` beside the published one, test it there, and mark the snapshot that passed.

    Raises:
        Violated: a test failed; names the model, the test and how many rows broke it.
        Misconfigured: Trino refused the model's SQL, or dbt its project.
        Unavailable: Trino, or a store behind it, did not answer, somebody else is building it for too long, or the
            lease was lost meanwhile.
    """
    with leased([f"{schemas.beside}.{mart(name).model}"], f"build {name} {run}") as lease:
        return _build(mart(name), night, run, schemas, lease)


def _build(declared: Mart, night: str, run: str, schemas: Schemas, lease: Lease) -> Built:
    started = time.monotonic()
    _ensure_schema(declared, schemas.beside)
    results = run_dbt(declared.model, schemas.core, schemas.beside)
    beside = trino.quoted(schemas.beside, declared.model)
    snapshot = _current_snapshot(schemas.beside, declared)
    counted = _ask(declared, f"select count(*) from {beside} for version as of {snapshot}")  # noqa: S608
    built = Built(
        mart=declared.name,
        night=night,
        run=run,
        snapshot_id=snapshot,
        rows=int(str(counted.rows[0][0])),
        tests=sum(result.kind == "test" for result in results),
        seconds=round(time.monotonic() - started, 3),
        query_ids=tuple(result.query_id for result in results if result.query_id),
    )
    mark = json.dumps(asdict(Mark(snapshot, night, run)))
    lease.confirm()
    _ask(declared, f"comment on table {beside} is {trino.text(mark)}")
    return built


def publish_mart(name: str, schemas: Schemas = LAKE) -> Published:
    """Put the tested build of the mart ``name`` in place of the published one, in one Iceberg commit.

    Raises:
        Violated: what stands in ``mart_next`` was never tested, was replaced after its test, or has another total than
            core. The published mart is untouched.
        Unavailable: Trino, or a store behind it, did not answer, somebody else is publishing it for too long, or the
            lease was lost before the commit. The published mart is untouched.
    """
    with leased([f"{schemas.published}.{mart(name).model}"], f"publish {name}") as lease:
        return _publish(mart(name), schemas, lease)


def _publish(declared: Mart, schemas: Schemas, lease: Lease) -> Published:
    started = time.monotonic()
    mark = _mark(declared, schemas)
    measured = check_measure(declared.name, schemas, snapshot=mark.snapshot_id)
    target = trino.quoted(schemas.published, declared.model)
    _ensure_schema(declared, schemas.published)
    comment = f"{declared.description} Night {mark.night}."
    lease.confirm()
    replaced = _ask(
        declared,
        f"create or replace table {target} comment {trino.text(comment)} with (format = 'PARQUET') as "  # noqa: S608
        f"select * from {trino.quoted(schemas.beside, declared.model)} for version as of {mark.snapshot_id}",
    )
    _describe(declared, target)
    return Published(
        mart=declared.name,
        night=mark.night,
        snapshot_id=_current_snapshot(schemas.published, declared),
        rows=int(str(replaced.rows[0][0])),
        measure=measured,
        digest=digest(f"{schemas.published}.{declared.model}"),
        seconds=round(time.monotonic() - started, 3),
        query_ids=(replaced.query_id,),
    )


def check_measure(name: str, schemas: Schemas = LAKE, snapshot: int | None = None) -> str:
    """The total that the mart ``name`` and core agree on.

    It asks the published mart, or the snapshot ``snapshot`` of the build beside it.

    Raises:
        Violated: they differ; both numbers are in the message.
    """
    declared = mart(name)
    schema = schemas.published if snapshot is None else schemas.beside
    version = "" if snapshot is None else f" for version as of {snapshot}"
    equals = declared.equals.replace("{core}", trino.quoted(schemas.core))
    table = trino.quoted(schema, declared.model)
    answer = _ask(declared, f"select (select coalesce({declared.measure}, 0) from {table}{version}), ({equals})")  # noqa: S608
    of_mart, of_core = (str(total) for total in answer.rows[0])
    if of_mart != of_core:
        raise Violated(
            f"{declared.measure} is {of_mart}, but core says {of_core} ({declared.equals})",
            where=f"lake.{schema}.{declared.model}",
            untouched=f"the published {name}",
            remedy="build the mart again; if they still differ, its SQL loses or repeats rows",
        )
    return of_mart


def last_published() -> datetime:
    """When a mart was last published, the youngest of all.

    Raises:
        Unavailable: none ever was, or Trino does not answer.
    """
    there = trino.tables_of(LAKE.published)
    snapshots = [trino.quoted(LAKE.published, f"{each.model}$snapshots") for each in marts() if each.name in there]
    if not snapshots:
        raise Unavailable("no mart was ever published", where="lake.mart", remedy="run a night: `enginedge lake run`")
    moments = " union all ".join(f"select max(committed_at) as at from {each}" for each in snapshots)  # noqa: S608
    ((moment,),) = trino.query(f"select max(at) from ({moments})").rows  # noqa: S608
    published: datetime = moment
    return published


def _ask(declared: Mart, statement: str) -> trino.QueryResult:
    """Every query about a mart carries its name: as the source, which Trino's page shows, and as a tag, for lineage."""
    return trino.query(statement, user="dbt", source=declared.name, client_tags=(declared.name,))


def _ensure_schema(declared: Mart, schema: str) -> None:
    """Every schema lies at its own name in the bucket, whoever makes it first."""
    _ask(declared, f"create schema if not exists {trino.quoted(schema)} with (location = 's3://lake/{schema}')")


def _current_snapshot(schema: str, declared: Mart) -> int:
    refs = trino.quoted(schema, f"{declared.model}$refs")
    return int(str(_ask(declared, f"select snapshot_id from {refs} where name = 'main'").rows[0][0]))  # noqa: S608


def _mark(declared: Mart, schemas: Schemas) -> Mark:
    """What :func:`build_mart` wrote on the table, if it still speaks of the snapshot that stands there."""
    found = _ask(
        declared,
        "select comment from system.metadata.table_comments where catalog_name = 'lake' "  # noqa: S608
        f"and schema_name = {trino.text(schemas.beside)} and table_name = {trino.text(declared.model)}",
    )
    try:
        mark = Mark(**json.loads(found.rows[0][0]))
    except (IndexError, ValueError, TypeError):
        mark = None
    if mark is None or mark.snapshot_id != _current_snapshot(schemas.beside, declared):
        raise Violated(
            "what stands beside the mart has not passed its tests",
            where=f"lake.{schemas.beside}.{declared.model}",
            untouched=f"the published {declared.name}",
            remedy="build the mart, which tests it",
        )
    return mark


def _describe(declared: Mart, target: str) -> None:
    """The descriptions of the columns; a create-as-select cannot carry them."""
    for column, description in declared.columns.items():
        _ask(declared, f"comment on column {target}.{trino.quoted(column)} is {trino.text(description)}")
