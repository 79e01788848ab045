"""What is promised of a table: its Open Data Contract (ODCS v3), read once, judged when read.

``sql/contracts/<layer>.<table>.yaml`` holds one contract. The standard's own model reads it; what the lake needs of it
is taken out here into small values, and everything that the lake can't honour (an unknown type, an unknown rule, a
column without a type) is refused with file and line, before a single row is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from enginedge.errors import Misconfigured
from enginedge.lake.rules import Rule, Unique
from enginedge.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

LAYERS = ("raw", "core", "mart")


@dataclass(frozen=True)
class Column:
    """One column as the contract promises it.

    Attributes:
        type: the physical type, one of Spark's and Iceberg's names: ``string``, ``timestamp``, ``decimal(12,6)`` …
        classification: ``public``, ``internal`` or ``personal``.
        sources: where the value comes from: a JSON path in the record below it (``record.created_at.$date``) or another
            column of the raw table (``position``); empty for what the engine itself adds.
        computed: whether the transform computes it from other columns, instead of conforming the value it comes from.
        fields: of a raw table's ``record``, the source's fields.
    """

    name: str
    type: str
    logical_type: str
    description: str
    classification: str
    required: bool
    sources: tuple[str, ...] = ()
    computed: bool = False
    fields: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Partition:
    """How a table is partitioned: ``column`` by ``identity``, ``day`` or ``month``."""

    column: str
    transform: str


@dataclass(frozen=True)
class Origin:
    """Where the records come from: the service of the inventory, the database or bucket in it, the objects in that."""

    service: str
    container: str
    objects: tuple[str, ...]


@dataclass(frozen=True)
class Contract:
    """A table's contract; ``table`` is its one name, such as ``core.mongodb__interviews``.

    Attributes:
        key: the columns that name a row (empty for raw tables, which take everything).
        version: the column that orders the versions of a row; empty for raw tables.
        freshness_h: the age in hours that its newest record may have.
        rules: what each row must fulfil, in the order in which they are judged.
    """

    table: str
    description: str
    owner: str
    freshness_h: float
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    version: str
    partition: Partition | None
    origin: Origin | None
    rules: tuple[Rule, ...]
    path: Path

    @property
    def layer(self) -> str:
        return self.table.partition(".")[0]

    @property
    def name(self) -> str:
        """The table's name within its schema."""
        return self.table.partition(".")[2]

    @property
    def source(self) -> str:
        """The source whose application writes the table: ``mongodb``, ``kafka`` …"""
        return self.name.partition("__")[0]

    @property
    def unique(self) -> Unique:
        """The rule that the key names one row."""
        return Unique(self.key)

    def column(self, name: str) -> Column:
        """The column called ``name``.

        Raises:
            Misconfigured: the contract has none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise Misconfigured(
            f"{self.table} has no column {name!r}", where=str(self.path), remedy="add it to the contract"
        )

    def personal(self) -> tuple[Column, ...]:
        """The columns that hold personal data."""
        return tuple(column for column in self.columns if column.classification == "personal")


def contract(table: str) -> Contract:
    """The contract of ``table``, read once a process.

    Raises:
        Misconfigured: there is none, or it can't be honoured; names file, line and remedy.
    """
    return _read(settings().root / "sql" / "contracts" / f"{table}.yaml")


def contracts(layer: str | None = None, source: str | None = None) -> tuple[Contract, ...]:
    """Every contract of the repository, sorted by table; of one layer, of one source, where these are given."""
    found: Iterable[Path] = sorted((settings().root / "sql" / "contracts").glob(f"{layer or '*'}.{source or ''}*.yaml"))
    return tuple(_read(path) for path in found)


@lru_cache(maxsize=256)
def _read(path: Path) -> Contract:
    from enginedge.lake.odcs import read_contract

    return read_contract(path)
