"""Makes the events that Trino's listener lost, from what Trino's own history and the statement's text say.

The tables are read out of the statement by OpenLineage's own parser, and the columns where the statement names them; a
``select *`` takes every column as it is. The event is built by openlineage-python, carries the run id that the listener
would have given it, and says of itself that it was healed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from enginedge.lineage.completeness import Query
from enginedge.lineage.database import Connection, Database
from enginedge.lineage.events import PRODUCER, read_event, run_uuid
from enginedge.lineage.naming import Names, without_comments
from enginedge.lineage.read_datasets import dataset_row
from enginedge.lineage.store import take

JOB_NAMESPACE = "enginedge"
SNAPSHOT = re.compile(r"\bfor\s+version\s+as\s+of\s+\d+", re.IGNORECASE)


def heal(database: Database, names: Names, queries: Sequence[Query]) -> list[str]:
    """Store an event for each of ``queries`` whose statement can be read; returns the ids of those that were healed."""
    healed = []
    for query in queries:
        read, written = tables_of(query.sql, names)
        with database.reading() as connection:
            columns = {table: _known_columns(connection, names, table) for table in {*read, *written}}
        text = event_of(query, names, columns)
        if text:
            take(database, [read_event(text, names)], origin="healed")
            healed.append(query.id)
    return healed


def _known_columns(connection: Connection, names: Names, table: str) -> list[str]:
    row = dataset_row(connection, names.metastore, table)
    return [column["name"] for column in row["fields"]] if row else []


def tables_of(sql: str, names: Names) -> tuple[list[str], list[str]]:
    """The tables that a statement reads, and those that it writes; nothing where it can't be read."""
    parsed = _parsed(_bare(sql))
    if parsed is None or parsed.errors:
        return [], []
    read, written = (
        [names.table(table.qualified_name) for table in tables] for tables in (parsed.in_tables, parsed.out_tables)
    )
    return read, written


def event_of(query: Query, names: Names, columns: dict[str, list[str]]) -> str | None:
    """The event, as JSON, that Trino's listener should have sent; ``columns`` are those known of each table."""
    from openlineage.client import event_v2 as event
    from openlineage.client.facet_v2 import column_lineage_dataset, job_type_job, sql_job
    from openlineage.client.serde import Serde

    read, written = tables_of(query.sql, names)
    if not written:
        return None
    pairs: dict[str, list[tuple[str, str]]] = {column: [] for table in written for column in columns.get(table, [])}
    pairs |= _columns(query.sql, names, {table: columns.get(table, []) for table in read})

    def inputs(sources: Iterable[tuple[str, str]]) -> list[column_lineage_dataset.InputField]:
        return [column_lineage_dataset.InputField(names.metastore, *source) for source in sources]

    lineage = column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={target: column_lineage_dataset.Fields(inputs(sources)) for target, sources in pairs.items()},
        dataset=inputs(sorted({source for sources in pairs.values() for source in sources})),
    )
    told = event.RunEvent(
        eventTime=query.ended.isoformat(),
        run=event.Run(str(run_uuid(query.id))),
        job=event.Job(
            JOB_NAMESPACE,
            query.id,
            facets={
                "jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="TRINO", jobType="QUERY"),
                "sql": sql_job.SQLJobFacet(query.sql),
            },
        ),
        producer=f"{PRODUCER}/healed",
        eventType=event.RunState.COMPLETE,
        inputs=[event.InputDataset(names.metastore, table) for table in read],
        outputs=[event.OutputDataset(names.metastore, table, facets={"columnLineage": lineage}) for table in written],
    )
    return json.dumps(json.loads(Serde.to_json(told)))


def _columns(sql: str, names: Names, columns: dict[str, list[str]]) -> dict[str, list[tuple[str, str]]]:
    """Which column comes from which: as the parser tells, or each from its namesake where all are taken as they are."""
    bare = _bare(sql)
    if "select * from" in " ".join(bare.lower().split()) and len(columns) == 1:
        ((table, listed),) = columns.items()
        return {column: [(table, column)] for column in listed}
    parsed = _parsed(bare)
    return {
        column.descendant.name: [
            (names.table(source.origin.qualified_name), source.name) for source in column.lineage if source.origin
        ]
        for column in parsed.column_lineage
    }


def _bare(sql: str) -> str:
    """The statement without its comments, and without the snapshot that it reads a table at: no dialect knows that."""
    return SNAPSHOT.sub(" ", without_comments(sql))


def _parsed(sql: str) -> Any:
    """What OpenLineage's parser reads in it; of its dialects, Hive's knows how a mart is published and described."""
    from openlineage_sql import parse  # type: ignore[import-untyped]

    return parse([sql], dialect="hive")
