"""Says where raw and core columns come from, down to the source's fields: what Spark's own listener can't know.

The listener sees that a raw table was written, not that its ``record`` holds a document of MongoDB whose field
``stage`` became ``core…stage``. The contracts know. Events are built by openlineage-python and written to the spool
folder that the relay reads, so that a relay that is down loses nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from enginedge.lake.contracts import Column, Contract, Origin, contract
from enginedge.lake.counts import TableCounts
from enginedge.settings import settings

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent
    from openlineage.client.generated.schema_dataset import SchemaDatasetFacet

NAMESPACE = "enginedge"
PRODUCER = "https://github.com/enginedge/operations"
SCHEMES = {"mongodb": "mongodb", "postgres": "postgres", "kafka": "kafka"}


def emit(published: Sequence[TableCounts], night: str) -> None:
    """Write, for each table, the events of reading its source into raw and, where rows came, of conforming raw to core.

    A core table that this run did not write is not said to be written: no engine could confirm it.
    """
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport

    spool = settings().spool
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = spool / f"library.{night}.{uuid.uuid4().hex}.ndjson"
    client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=str(path), append=True)))
    for counts in published:
        core = contract(counts.table)
        raw = contract(f"raw.{core.name}")
        written = counts.accepted and counts.status == "published"
        for event in (*_read(raw), *(_conformed(raw, core) if written else ())):
            client.emit(event)


def source_datasets(origin: Origin) -> list[tuple[str, str]]:
    """Namespace and name of each object that the records come from, by OpenLineage's naming rules."""
    if origin.service == "minio":
        return [(f"s3://{origin.container}", each) for each in origin.objects]
    namespace = f"{SCHEMES[origin.service]}://{settings().endpoint(origin.service)}"
    if origin.service == "kafka":
        return [(namespace, topic) for topic in origin.objects]
    return [(namespace, f"{origin.container}.{each}") for each in origin.objects]


def _read(raw: Contract) -> Iterable[RunEvent]:
    """Source to raw: ``record`` comes from every field, ``record.<field>`` from its one."""
    from openlineage.client.event_v2 import InputDataset

    fields = raw.column("record").fields
    sources = source_datasets(raw.origin) if raw.origin else []
    inputs = [
        InputDataset(namespace=namespace, name=name, facets={"schema": _schema(fields)}) for namespace, name in sources
    ]
    lineage = {"record": [(dataset, field.name) for dataset in sources for field in fields]}
    lineage |= {f"record.{field.name}": [(dataset, field.name) for dataset in sources] for field in fields}
    return _pair(f"{raw.table}.read", inputs, _output(raw, _with_fields(raw), lineage))


def _conformed(raw: Contract, core: Contract) -> Iterable[RunEvent]:
    """Raw to core: each column from the fields of the record that its contract names."""
    from openlineage.client.event_v2 import InputDataset

    dataset = (_metastore(), raw.table)
    inputs = [InputDataset(namespace=dataset[0], name=dataset[1], facets={"schema": _schema(_with_fields(raw))})]
    lineage = {
        column.name: [(dataset, _without_deeper(source)) for source in column.sources]
        for column in core.columns
        if column.sources
    }
    return _pair(f"{core.table}.conform", inputs, _output(core, core.columns, lineage))


def _pair(job: str, inputs: list[InputDataset], output: OutputDataset) -> list[RunEvent]:
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

    its_run = Run(runId=str(uuid.uuid4()))
    now = datetime.now(UTC).isoformat()
    return [
        RunEvent(
            eventTime=now,
            run=its_run,
            job=Job(namespace=NAMESPACE, name=job),
            producer=PRODUCER,
            eventType=state,
            inputs=inputs,
            outputs=[output],
        )
        for state in (RunState.START, RunState.COMPLETE)
    ]


def _output(
    promised: Contract, columns: Sequence[Column], lineage: dict[str, list[tuple[tuple[str, str], str]]]
) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    fields = {
        name: facet.Fields([facet.InputField(*dataset, field) for dataset, field in sources])
        for name, sources in lineage.items()
    }
    facets = {"schema": _schema(columns), "columnLineage": facet.ColumnLineageDatasetFacet(fields)}
    return OutputDataset(namespace=_metastore(), name=promised.table, facets=facets)


def _schema(columns: Iterable[Column]) -> SchemaDatasetFacet:
    from openlineage.client.facet_v2 import schema_dataset as facet

    return facet.SchemaDatasetFacet(
        [facet.SchemaDatasetFacetFields(column.name, column.type, column.description) for column in columns]
    )


def _with_fields(raw: Contract) -> list[Column]:
    """The raw table's columns, with the fields of its record beside it as ``record.<field>``."""
    from dataclasses import replace

    fields = [replace(field, name=f"record.{field.name}") for field in raw.column("record").fields]
    return [*raw.columns, *fields]


def _without_deeper(source: str) -> str:
    return ".".join(source.split(".")[:2])


def _metastore() -> str:
    return f"hive://{settings().endpoint('metastore')}"
