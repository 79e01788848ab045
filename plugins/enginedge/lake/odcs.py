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

from enginedge.errors import Misconfigured, Where
from enginedge.lake.contracts import LAYERS, Column, Contract, Origin, Partition
from enginedge.lake.odcs_rules import rules_of_column, rules_of_table

if TYPE_CHECKING:
    import yaml
    from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty

Path_ = tuple[str | int, ...]

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
CLASSIFICATIONS = ("public", "internal", "personal")
TRANSFORMS = ("identity", "day", "month")


class Document:
    """One YAML file: its values, and the line that each of them stands on."""

    def __init__(self, path: Path) -> None:
        import yaml

        self.path = path
        try:
            text = path.read_text()
        except FileNotFoundError:
            raise Misconfigured(
                f"there is no contract of {path.stem}", where=str(path), remedy="write it, or mend the table's name"
            ) from None
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            self._node: yaml.Node | None = loader.get_single_node()
            self.values: Any = loader.construct_document(self._node) if self._node else None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise Misconfigured(
                f"it is no YAML: {getattr(error, 'problem', error)}",
                where=Where(str(path), mark.line + 1 if mark else None),
                remedy="mend the file",
            ) from None
        finally:
            loader.dispose()

    def line(self, at: Path_) -> int:
        """The line of the value at ``at``, or of the nearest one above it that exists."""
        import yaml

        node = self._node
        line = 1
        for step in at:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == step]
                if not found:
                    return line
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line

    def wrong(self, what: str, at: Path_, remedy: str) -> Misconfigured:
        """The failure that points at ``at``."""
        return Misconfigured(what, where=Where(str(self.path), self.line(at)), remedy=remedy)


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
        return OpenDataContractStandard(**document.values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        dotted = ".".join(str(step) for step in first["loc"])
        raise document.wrong(f"{dotted}: {first['msg']}", first["loc"], "see the standard, ODCS v3") from None


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
    own = _custom(table)
    if own.get("version") and own["version"] not in names:
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
        origin=_origin(odcs, own),
        rules=tuple(_rules(document, table, names)),
        path=document.path,
    )
    if contract.layer == "core" and not (contract.key and contract.version):
        raise document.wrong("it has no primary key or no version column", at, "mark primaryKey, and give version")
    return contract


def _column(document: Document, column: SchemaProperty, at: Path_) -> Column:
    if not column.name:
        raise document.wrong("a column has no name", at, "give it one")
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


def _origin(odcs: OpenDataContractStandard, own: dict[str, Any]) -> Origin | None:
    if not odcs.servers or "objects" not in own:
        return None
    return Origin(odcs.servers[0].server or "", str(own["container"]), tuple(own["objects"]))


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
