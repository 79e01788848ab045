"""What an OpenLineage event must hold to be taken, in pydantic models, and the sentences that say what is missing.

Marquez answers ``run.runId must not be null`` for what is missing and treats a wrong type as unreadable; both are kept,
because its clients were written against them. Only the facets that the graph reads are typed, the rest passes.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from enginedge.lineage.instants import parsed_instant


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _instant(value: Any) -> Any:
    return value if value is None or value == "" else parsed_instant(value)


Text = Annotated[str, BeforeValidator(_text)]
Instant = Annotated[Any, BeforeValidator(_instant)]


class Open(BaseModel):
    """A model that lets unknown fields pass: producers are free to add their own."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Facet(Open):
    producer: Text = Field(alias="_producer")
    schema_url: Text = Field(alias="_schemaURL")


class NamedRun(Open):
    runId: Text


class NamedJob(Open):
    namespace: Text
    name: Text


class Root(Open):
    run: NamedRun | None = None
    job: NamedJob | None = None


class Parent(Facet):
    run: NamedRun
    job: NamedJob
    root: Root | None = None


class NominalTime(Facet):
    nominalStartTime: Instant = None
    nominalEndTime: Instant = None


class TrinoQuery(Open):
    query_type: str | None = None


class RunFacets(Open):
    trino_query_context: TrinoQuery | None = None
    nominalTime: NominalTime | None = None
    parent: Parent | None = None
    parentRun: Parent | None = None


class Run(Open):
    runId: Text
    facets: RunFacets | None = None


class Sql(Facet):
    query: Text


class Documentation(Facet):
    description: str | None = None


class SourceCode(Facet):
    url: str | None = None


class JobType(Facet):
    integration: str | None = None


class JobFacets(Open):
    documentation: Documentation | None = None
    sourceCodeLocation: SourceCode | None = None
    sql: Sql | None = None
    jobType: JobType | None = None


class Job(Open):
    namespace: Text
    name: Text
    facets: JobFacets | None = None


class Column(Open):
    name: Text
    type: Text | None = None
    description: Text | None = None


class Schema(Facet):
    fields: list[Column] | None = None


class Transformation(Open):
    type: str | None = None
    subtype: str | None = None
    description: str | None = None


class SourceColumn(Open):
    namespace: Text
    name: Text
    field: Text
    transformations: list[Transformation] | None = None


class ColumnSources(Open):
    inputFields: list[SourceColumn] | None = None
    transformationType: str | None = None
    transformationDescription: str | None = None


class ColumnLineage(Facet):
    fields: dict[str, ColumnSources] | None = None
    dataset: list[SourceColumn] | None = None


class DataSource(Facet):
    name: str | None = None
    uri: str | None = None


class Lifecycle(Facet):
    lifecycleStateChange: str | None = None


class Link(Open):
    namespace: Text
    name: Text


class Symlinks(Facet):
    identifiers: list[Link] | None = None


class DatasetFacets(Open):
    documentation: Documentation | None = None
    schema_: Schema | None = Field(default=None, alias="schema")
    dataSource: DataSource | None = None
    lifecycleStateChange: Lifecycle | None = None
    columnLineage: ColumnLineage | None = None
    symlinks: Symlinks | None = None


class Dataset(Open):
    namespace: Text
    name: Text
    facets: DatasetFacets | None = None
    inputFacets: dict[str, Any] | None = None
    outputFacets: dict[str, Any] | None = None


class RunEvent(Open):
    eventTime: Instant
    eventType: Text | None = None
    run: Run
    producer: Text
    job: Job
    inputs: list[Dataset] | None = None
    outputs: list[Dataset] | None = None


class DatasetEvent(Open):
    eventTime: Instant
    producer: Text
    dataset: Dataset


class JobEvent(Open):
    eventTime: Instant
    producer: Text
    job: Job
    inputs: list[Dataset] | None = None
    outputs: list[Dataset] | None = None


def faults(error: ValidationError) -> tuple[list[str], list[str]]:
    """What is missing, and what has the wrong type: the first as Marquez's sentences, the second as ours."""
    missing, wrong = [], []
    for fault in error.errors(include_url=False, include_context=False):
        place = _path(fault["loc"])
        if fault["type"] == "missing" or fault["input"] is None:
            missing.append(f"{place} must not be null")
        else:
            wrong.append(f"Cannot deserialize value at {place}: {fault['msg']}")
    return missing, wrong


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
