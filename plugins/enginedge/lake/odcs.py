"""From the Open Data Contract Standard's YAML to the lake's own contract, with file and line for whatever is wrong.

Standard: ODCS v3 (bitol.io). What the standard leaves open is said in ``customProperties``: of a table ``version`` (the
column that orders versions), ``container`` and ``objects`` (where its records come from); of a column
``partitionTransform``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enginedge.lake.contracts import LAYERS, Column, Contract, Origin, Partition
from enginedge.lake.document import Document, Path_
from enginedge.lake.odcs_rules import rules_of_column, rules_of_table

if TYPE_CHECKING:
    from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty

LOGICAL = {
    "string": "string",
    "int": "integer",
    "bigint": "integer",
    "double": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "binary": "string",
    "array<string>": "array",
}
DECIMAL = re.compile(r"decimal\(\d{1,2},\d{1,2}\)")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CLASSIFICATIONS = ("public", "internal", "personal")
TRANSFORMS = ("identity", "day", "month")


def read_contract(path: Path) -> Contract:
    """The contract in ``path``.

    Raises:
        Misconfigured: the file is missing, is no ODCS v3 contract of one table, or promises what the lake can't honour.
    """
    document = Document(path)
    odcs = _model(document)
    if odcs.kind != "DataContract" or not (odcs.apiVersion or "").startswith("v3."):
        raise document.wrong(
            f"it is {odcs.kind} {odcs.apiVersion}", ("apiVersion",), "write kind: DataContract and apiVersion: v3.2.0"
        )
    if len(odcs.schema_ or ()) != 1:
        raise document.wrong("it does not describe exactly one table", ("schema",), "write one file a table")
    return _contract(document, odcs, (odcs.schema_ or [])[0])


def _model(document: Document) -> OpenDataContractStandard:
    import pydantic
    from open_data_contract_standard.model import OpenDataContractStandard

    if not isinstance(document.values, dict):
        raise document.wrong("it holds no mapping", (), "write a contract")
    try:
        odcs = OpenDataContractStandard.model_validate(document.values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        dotted = ".".join(str(step) for step in first["loc"])
        raise document.wrong(f"{dotted}: {first['msg']}", first["loc"], "see the standard, ODCS v3") from None
    taken = odcs.model_dump(by_alias=True, exclude_unset=True)
    for at in _left_out(document.values, taken, ()):
        dotted = ".".join(map(str, at))
        raise document.wrong(f"{dotted}: the standard knows no such field", at, "mend its name, or take it out")
    return odcs


def _left_out(written: Any, taken: Any, at: Path_) -> Iterator[Path_]:
    """The places of what stands in the file and not in the model, which leaves out what it does not know."""
    if isinstance(written, dict) and isinstance(taken, dict):
        for key, value in written.items():
            if key in taken:
                yield from _left_out(value, taken[key], (*at, key))
            else:
                yield (*at, key)
    elif isinstance(written, list) and isinstance(taken, list):
        for index, pair in enumerate(zip(written, taken, strict=True)):
            yield from _left_out(*pair, (*at, index))


def _contract(document: Document, odcs: OpenDataContractStandard, table: SchemaObject) -> Contract:
    at: Path_ = ("schema", 0)
    name = document.path.name.removesuffix(".yaml")
    if table.physicalName != name or name.partition(".")[0] not in LAYERS:
        raise document.wrong(
            f"physicalName is {table.physicalName!r}",
            (*at, "physicalName"),
            f"a contract's file is named as its table: {name}",
        )
    columns = tuple(
        _column(document, column, (*at, "properties", index)) for index, column in enumerate(table.properties or ())
    )
    names = {column.name for column in columns}
    for index, column in enumerate(columns):
        if column.name in (before.name for before in columns[:index]):
            raise document.wrong(
                f"there are two columns {column.name}", (*at, "properties", index), "give one another name"
            )
    own = _custom(table)
    if own.get("version") and str(own["version"]) not in names:
        raise document.wrong(
            f"the version column {own['version']!r} is no column", (*at, "customProperties"), "name a column"
        )
    contract = Contract(
        table=name,
        description=_sentence(document, table.description, at),
        owner=_owner(document, odcs),
        freshness_h=_freshness_h(document, odcs),
        columns=columns,
        key=tuple(column.name or "" for column in table.properties or () if column.primaryKey),
        version=str(own.get("version", "")),
        partition=_partition(document, table),
        origin=_origin(document, odcs, own),
        rules=tuple(_rules(document, table, names)),
        path=document.path,
    )
    if contract.layer == "core" and not (contract.key and contract.version):
        raise document.wrong("it has no primary key or no version column", at, "mark primaryKey, and give version")
    return contract


def _column(document: Document, column: SchemaProperty, at: Path_) -> Column:
    if not column.name:
        raise document.wrong("a column has no name", at, "give it one")
    if not NAME.fullmatch(column.name):
        raise document.wrong(
            f"a column can't be called {column.name!r}", (*at, "name"), "use letters, digits and underscores"
        )
    if not column.physicalType:
        raise document.wrong(
            f"{column.name} has no physicalType", at, f"give it one of {', '.join(LOGICAL)}, decimal(p,s)"
        )
    logical = "number" if DECIMAL.fullmatch(column.physicalType) else LOGICAL.get(column.physicalType)
    if logical is None:
        raise document.wrong(
            f"{column.name} has the unknown type {column.physicalType!r}",
            (*at, "physicalType"),
            f"use one of {', '.join(LOGICAL)}, decimal(p,s)",
        )
    if column.logicalType != logical and not column.properties:
        raise document.wrong(
            f"{column.name} has the logicalType {column.logicalType!r}", (*at, "logicalType"), f"write {logical}"
        )
    if column.classification not in CLASSIFICATIONS:
        raise document.wrong(
            f"{column.name} is classified {column.classification!r}",
            (*at, "classification"),
            f"use one of {', '.join(CLASSIFICATIONS)}",
        )
    return Column(
        name=column.name,
        type=column.physicalType,
        logical_type=logical,
        description=_sentence(document, column.description, at),
        classification=column.classification,
        required=bool(column.required or column.primaryKey),
        sources=tuple(column.transformSourceObjects or ()),
        computed=bool(column.transformLogic),
        fields=tuple(
            _column(document, field, (*at, "properties", index)) for index, field in enumerate(column.properties or ())
        ),
    )


def _rules(document: Document, table: SchemaObject, names: set[str]) -> Iterator[Any]:
    for index, column in enumerate(table.properties or ()):
        yield from rules_of_column(document, column, ("schema", 0, "properties", index))
    yield from rules_of_table(document, table, names)


def _partition(document: Document, table: SchemaObject) -> Partition | None:
    for index, column in enumerate(table.properties or ()):
        if column.partitioned:
            transform = str(_custom(column).get("partitionTransform", "identity"))
            if transform not in TRANSFORMS:
                at: Path_ = ("schema", 0, "properties", index, "customProperties")
                raise document.wrong(
                    f"unknown partitionTransform {transform!r}", at, f"use one of {', '.join(TRANSFORMS)}"
                )
            return Partition(column.name or "", transform)
    return None


def _custom(of: SchemaObject | SchemaProperty) -> dict[str, Any]:
    return {each.property or "": each.value for each in of.customProperties or ()}


def _origin(document: Document, odcs: OpenDataContractStandard, own: dict[str, Any]) -> Origin | None:
    if not odcs.servers or "objects" not in own:
        return None
    container, objects = own.get("container"), own["objects"]
    listed = isinstance(objects, list) and objects and all(isinstance(each, str) for each in objects)
    if not isinstance(container, str) or not listed:
        at: Path_ = ("schema", 0, "customProperties")
        raise document.wrong("its origin is not complete", at, "give container, a name, and objects, a list of names")
    return Origin(odcs.servers[0].server or "", container, tuple(objects))


def _sentence(document: Document, text: str | None, at: Path_) -> str:
    if not text:
        raise document.wrong("it has no description", at, "say in one sentence what it holds")
    return " ".join(text.split())


def _owner(document: Document, odcs: OpenDataContractStandard) -> str:
    name = getattr(odcs.team, "name", None)
    if not name:
        raise document.wrong("it has no owner", ("team",), "give team a name")
    return str(name)


def _freshness_h(document: Document, odcs: OpenDataContractStandard) -> float:
    for promise in odcs.slaProperties or ():
        if promise.property == "freshness" and promise.unit == "h" and isinstance(promise.value, int | float):
            return float(promise.value)
    raise document.wrong(
        "it promises no freshness in hours", ("slaProperties",), "give slaProperties a freshness, unit h"
    )
