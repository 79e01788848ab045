"""Where a night's records went, table by table: the numbers, and the page that a person reads them on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Counts:
    """Where the raw rows of a table went: ``raw = accepted + quarantined + duplicate + superseded``.

    Attributes:
        inserted, updated: of the accepted rows, those with a new key and those that replaced an older version.
    """

    raw: int
    accepted: int
    quarantined: int
    duplicate: int
    superseded: int
    inserted: int
    updated: int

    @property
    def gone(self) -> int:
        """How many rows went somewhere."""
        return self.accepted + self.quarantined + self.duplicate + self.superseded

    @property
    def reconciles(self) -> bool:
        """Whether every raw row went to exactly one place."""
        return self.gone == self.raw and self.inserted + self.updated == self.accepted


@dataclass(frozen=True)
class TableCounts(Counts):
    """One core table and what it published for a night.

    Attributes:
        night: the night that the numbers belong to; ``nights`` is the condition on ``_night`` that chose the raw rows.
        status: ``published`` by this run, or ``already published`` by an earlier one.
        seconds: what judging, merging and auditing the night took, whichever run it was.
        application: Spark's id of the application that published, where this run did.
    """

    table: str
    night: str
    run: str
    status: str
    nights: str
    full_refresh: bool
    snapshot: int
    seconds: float = 0.0
    application: str = ""

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> TableCounts:
        """From what the application, or a snapshot's summary, says; what is not ours in it is left out."""
        return cls(**{field.name: facts[field.name] for field in fields(cls) if field.name in facts})


@dataclass(frozen=True)
class MartTotal:
    """A published mart's measure, equal to the same total of core."""

    mart: str
    rows: int
    measure: str


@dataclass(frozen=True)
class Summary:
    """A night as it stands published, with the addresses where more is to be read."""

    night: str
    tables: tuple[TableCounts, ...]
    marts: tuple[MartTotal, ...]
    links: Mapping[str, str]

    def __str__(self) -> str:
        return "\n".join(
            [*self._tables(), "", *self._marts(), "", *(f"{name}: {url}" for name, url in self.links.items())]
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, of the kinds that JSON has."""
        return dict(json.loads(json.dumps(asdict(self))))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Summary:
        """The summary that :meth:`as_dict` was asked for."""
        return cls(
            night=values["night"],
            tables=tuple(TableCounts(**table) for table in values["tables"]),
            marts=tuple(MartTotal(**mart) for mart in values["marts"]),
            links=values["links"],
        )

    def _tables(self) -> list[str]:
        head = ("table", "in", "accepted", "quarantined", "duplicate", "superseded", "seconds", "snapshot")
        rows = [
            (
                *(each.table, each.raw, each.accepted, each.quarantined, each.duplicate, each.superseded),
                *(f"{each.seconds:.1f}", each.snapshot),
            )
            for each in self.tables
        ]
        return [f"night {self.night}", *_aligned(head, rows)]

    def _marts(self) -> list[str]:
        return _aligned(
            ("mart", "rows", "measure = core"), [(each.mart, each.rows, each.measure) for each in self.marts]
        )


def _aligned(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    cells = [head, *(tuple(f"{cell:,}" if _is_count(cell) else str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]


def _is_count(cell: Any) -> bool:
    return isinstance(cell, int) and cell < 10**12
