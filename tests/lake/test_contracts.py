"""A contract is honoured whole or refused with file, line and remedy; the repository's own are complete."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from enginedge.errors import Misconfigured
from enginedge.lake.contracts import Contract, contract, contracts
from enginedge.lake.odcs import read_contract
from enginedge.lake.rules import Between, NotAfter, OneOf, Pattern, Required
from tests.contracts.mistakes import Written
from tests.installation import ROOT

GOOD = """\
apiVersion: v3.2.0
kind: DataContract
id: test
version: 1.0.0
status: active
team:
  name: data-platform
slaProperties:
  - property: freshness
    value: 26
    unit: h
servers:
  - server: mongodb
    type: custom
schema:
  - name: test__things
    physicalName: core.test__things
    description: One row a thing.
    customProperties:
      - property: version
        value: updated_at
      - property: container
        value: platform
      - property: objects
        value: [things]
    properties:
      - name: thing_id
        primaryKey: true
        logicalType: string
        physicalType: string
        description: Identifier.
        classification: internal
        transformSourceObjects: [record._id]
      - name: size
        logicalType: integer
        physicalType: int
        description: Size.
        classification: public
        logicalTypeOptions:
          minimum: 0
        quality:
          - metric: nullValues
            mustBe: 0
      - name: colour
        logicalType: string
        physicalType: string
        description: Colour.
        classification: personal
        enum:
          - value: red
        quality:
          - metric: invalidValues
            arguments:
              pattern: ^r
            mustBe: 0
      - name: updated_at
        required: true
        logicalType: timestamp
        physicalType: timestamp
        description: When it changed.
        classification: internal
      - name: made_on
        logicalType: date
        physicalType: date
        description: When it was made.
        classification: internal
        partitioned: true
        customProperties:
          - property: partitionTransform
            value: month
    quality:
      - type: custom
        engine: enginedge
        implementation:
          rule: not_after
          column: made_on
          other: updated_at
"""


def read(tmp_path: Path, text: str) -> Contract:
    path = tmp_path / "core.test__things.yaml"
    path.write_text(text)
    return read_contract(path)


def test_a_contract_is_read_whole(tmp_path: Path) -> None:
    read_here = read(tmp_path, GOOD)
    assert (read_here.table, read_here.owner, read_here.freshness_h) == ("core.test__things", "data-platform", 26.0)
    assert (read_here.key, read_here.version, read_here.source) == (("thing_id",), "updated_at", "test")
    assert read_here.partition is not None
    assert (read_here.partition.column, read_here.partition.transform) == ("made_on", "month")
    assert read_here.rules == (
        Required("thing_id"),
        Between("size", 0, None),
        Required("size"),
        OneOf("colour", ("red",)),
        Pattern("colour", "^r"),
        Required("updated_at"),
        NotAfter("made_on", "updated_at"),
    )
    assert [column.name for column in read_here.personal()] == ["colour"]
    assert read_here.unique.columns == ("thing_id",)


@pytest.mark.parametrize(
    ("old", "new", "says", "at"),
    [
        ("physicalType: int", "physicalType: integer", "size has the unknown type 'integer'", "physicalType: integer"),
        ("        physicalType: int\n", "", "size has no physicalType", "- name: size"),
        ("minimum: 0", "smallest: 0", "size has the unknown rule 'smallest'", "smallest: 0"),
        ("metric: nullValues", "metric: rowCount", "the unknown rule 'rowCount'", "- metric: rowCount"),
        ("rule: not_after", "rule: before", "the unknown rule", "- type: custom"),
        (
            "column: made_on",
            "column: made_at",
            "not_after names 'made_at', which is no column",
            "- type: custom\n        engine",
        ),
        ("apiVersion: v3.2.0", "apiVersion: v2.2.2", "it is DataContract v2.2.2", "apiVersion:"),
        ("kind: DataContract", "kind: Contract", "it is Contract v3.2.0", "apiVersion:"),
        ("        primaryKey: true\n", "", "it has no primary key or no version column", "- name: test__things"),
        ("value: updated_at", "value: changed", "the version column 'changed' is no column", "customProperties:"),
        (
            "logicalType: integer",
            "logicalType: string",
            "size has the logicalType 'string'",
            "logicalType: string\n        physicalType: int",
        ),
        (
            "classification: personal",
            "classification: secret",
            "colour is classified 'secret'",
            "classification: secret",
        ),
        (
            "value: month",
            "value: week",
            "unknown partitionTransform 'week'",
            "customProperties:\n          - property: partitionTransform",
        ),
        ("core.test__things", "core.test__others", "physicalName is 'core.test__others'", "physicalName:"),
        ("    unit: h\n", "", "it promises no freshness in hours", "slaProperties:"),
        ("  name: data-platform", "  description: none", "it has no owner", "team:"),
        ("description: Size.", "description:", "it has no description", "- name: size"),
        ("id: test", "id: test\nunheard_of: 1", "unheard_of: Extra inputs are not permitted", "unheard_of"),
        ("status: active", "status: [", "it is no YAML", ""),
        ("status: active", "status: \0", "it is no YAML", ""),
        ("status: active", f"status: {'[' * 5000}", "it is", ""),
        ("required: true", "requird: true", "schema.0.properties.3.requird: the standard knows no such", "requird"),
        ("minimum: 0", "minimum: 2020-01-01", "size can't have the minimum datetime.date(2020, 1, 1)", "minimum"),
        ("minimum: 0", "maximum: .nan", "size can't have the maximum nan", "maximum"),
        ("minimum: 0", 'minimum: "0 OR true"', "size can't have the minimum '0 OR true'", "minimum"),
        ("minimum: 0", "minimum: true", "size can't have the minimum True", "minimum"),
        ("minimum: 0", "minLength: -1", "size can't have the minLength -1", "minLength"),
        ("minimum: 0", "pattern: 5", "size can't have the pattern 5", "pattern"),
        (
            "        physicalType: date\n",
            "        physicalType: date\n        logicalTypeOptions:\n          minimum: 5\n",
            "made_on can't have the minimum 5",
            "minimum: 5",
        ),
        ("name: size", "name: si`ze", "a column can't be called 'si`ze'", "name: si`ze"),
        (
            "name: size",
            "name: thing_id",
            "there are two columns thing_id",
            "- name: thing_id\n        logicalType: integer",
        ),
        ("value: [things]", "value: things", "its origin is not complete", "customProperties:"),
        ("- property: container", "- property: box", "its origin is not complete", "customProperties:"),
        (
            "classification: personal\n",
            "classification: personal\n        classification: public\n",
            "'classification' is said twice",
            "classification: public\n        enum",
        ),
        (
            "mustBe: 0\n      - name: colour",
            "mustBe: 1\n      - name: colour",
            "only mustBe: 0",
            "- metric: nullValues",
        ),
    ],
)
def test_what_can_not_be_honoured_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, says: str, at: str
) -> None:
    written = Written(str(tmp_path / "core.test__things.yaml"), GOOD, lambda text: read(tmp_path, text))
    assert says in written.refused(old, new, at)


def test_a_mark_of_the_byte_order_is_no_part_of_a_contract(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + GOOD) == read(tmp_path, GOOD)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"- a\n"])
def test_a_file_that_is_no_contract_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "core.test__things.yaml"
    path.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"core\.test__things\.yaml"):
        read_contract(path)


def test_a_table_without_a_contract_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"there is no contract of core.nothing__here"):
        contract("core.nothing__here")


def test_every_core_table_has_its_raw_table_and_its_module() -> None:
    core = {each.name for each in contracts("core")}
    assert core == {each.name for each in contracts("raw")}
    for layer in ("raw", "core"):
        modules = {path.stem for path in (ROOT / "spark_jobs" / "tables" / layer).glob("[a-z]*__*.py")}
        assert modules == core


@pytest.mark.parametrize("core", contracts("core"), ids=lambda each: each.table)
def test_a_core_contract_takes_its_columns_from_fields_that_raw_has(core: Contract) -> None:
    raw = contract(f"raw.{core.name}")
    fields = {f"record.{field.name}" for field in raw.column("record").fields} | {column.name for column in raw.columns}
    for column in core.columns:
        for source in column.sources:
            assert ".".join(source.split(".")[:2]) in fields, f"{column.name} from {source}"
    assert {column.name for column in core.columns if not column.sources} == {"_night"}
    assert core.origin == raw.origin


@pytest.mark.parametrize("core", contracts("core"), ids=lambda each: each.table)
def test_what_is_personal_in_the_source_is_personal_in_core(core: Contract) -> None:
    raw = contract(f"raw.{core.name}")
    personal = {f"record.{field.name}" for field in raw.column("record").fields if field.classification == "personal"}
    for column in core.columns:
        if personal & {".".join(source.split(".")[:2]) for source in column.sources} and not column.computed:
            assert column.classification == "personal", column.name


@pytest.mark.parametrize("path", sorted((ROOT / "sql" / "contracts").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_contract_fulfils_the_standards_own_schema(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema: Any = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    wrong = jsonschema.Draft201909Validator(schema).iter_errors(yaml.safe_load(path.read_text()))
    assert [f"{error.json_path}: {error.message[:200]}" for error in wrong] == []
