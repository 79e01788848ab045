"""Walks a column back to the fields of the stores that it comes from.

Two kinds of edges meet here. An engine's listener *observes* that a job read one table and wrote another. A contract
*declares* which field of a raw record (``record.<field>``, a part of the column ``record``) a core column is read from,
which no listener can see inside JSON. A declared edge is followed only where a listener observed the way from the one
table to the other: a declaration refines what happened, it never stands in for it. So a listener that is turned off
breaks the walk, which is what a reader of the graph must be able to rely on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from enginedge.errors import Misconfigured, Violated
from enginedge.lineage.database import Connection
from enginedge.lineage.read_datasets import dataset_row

SOURCE_SCHEMES = ("mongodb", "postgres", "kafka", "s3", "file")
WAREHOUSES = ("s3://lake",)
LISTENERS = ("SPARK", "TRINO")
MOST_STEPS = 40


@dataclass(frozen=True)
class Place:
    """One column of one dataset."""

    namespace: str
    dataset: str
    field: str

    def __str__(self) -> str:
        return f"{self.namespace} {self.dataset}.{self.field}"

    @property
    def is_source(self) -> bool:
        """It lies in a store of the platform, not in a table of the lake."""
        return self.namespace.partition("://")[0] in SOURCE_SCHEMES and self.namespace not in WAREHOUSES


@dataclass(frozen=True)
class Edges:
    """All edges that a walk may take: the sources of a column, and the pairs of tables that a listener saw joined."""

    sources: dict[Place, list[Place]]
    observed: frozenset[tuple[tuple[str, str], tuple[str, str]]]

    def of(self, place: Place) -> list[Place]:
        """The columns that ``place`` comes from: itself left out, a declared part in the place of the whole."""
        found = [source for source in self.sources.get(place, []) if source != place]
        parts = [source for source in found if self._is_part(source) and self._is_observed(source, place)]
        if parts:
            whole = {(part.namespace, part.dataset, part.field.partition(".")[0]) for part in parts}
            found = [source for source in found if (source.namespace, source.dataset, source.field) not in whole]
        return [source for source in found if not self._is_part(source) or source in parts]

    def _is_part(self, source: Place) -> bool:
        return not source.is_source and "." in source.field

    def _is_observed(self, source: Place, target: Place) -> bool:
        return ((source.namespace, source.dataset), (target.namespace, target.dataset)) in self.observed


def walk_to_sources(connection: Connection, namespace: str, table: str, column: str) -> list[list[Place]]:
    """Every way from a column back to a field of a store: each a list of places, the column first, the field last.

    Raises:
        Misconfigured: no such dataset is known.
        Violated: no way ends at a store; the message names the places where the ways end.
    """
    row = dataset_row(connection, namespace, table)
    if row is None:
        raise Misconfigured(
            f"no dataset {table!r} is known", where=namespace, remedy="run a night first, or mend the name"
        )
    return paths(edges(connection), Place(row["namespace"], row["name"], column))


def paths(edges: Edges, start: Place) -> list[list[Place]]:
    """The ways from ``start`` to a source; see :func:`walk_to_sources`."""
    whole: list[list[Place]] = []
    ends: list[Place] = []
    open_ways = [[start]]
    seen = {start}
    while open_ways:
        way = open_ways.pop()
        if way[-1].is_source:
            whole.append(way)
            continue
        onward = [place for place in edges.of(way[-1]) if place not in way and len(way) < MOST_STEPS]
        if not onward:
            ends.append(way[-1])
        fresh = [place for place in onward if place not in seen or place.is_source]
        seen.update(fresh)
        open_ways += [[*way, place] for place in fresh]
    if not whole:
        raise Violated(
            f"no way leads back to a store; the ways end at {', '.join(sorted(map(str, ends)))[:600]}",
            where=str(start),
            remedy="look at `enginedge lake lineage completeness`: a listener is off, or an event was lost",
        )
    return whole


def edges(connection: Connection) -> Edges:
    """All column edges and all observed pairs of tables, as they are now."""
    sources: dict[Place, list[Place]] = {}
    for row in connection.execute(
        """select distinct t.namespace as tn, t.name as td, e.target_field,
                  s.namespace as sn, s.name as sd, e.source_field
           from column_edge e join dataset t on t.id = e.target join dataset s on s.id = e.source"""
    ):
        target = Place(row["tn"], row["td"], row["target_field"])
        sources.setdefault(target, []).append(Place(row["sn"], row["sd"], row["source_field"]))
    pairs: list[dict[str, Any]] = connection.execute(
        """select distinct s.namespace as sn, s.name as sd, t.namespace as tn, t.name as td
           from run_dataset i join run_dataset o on o.run_id = i.run_id and o.direction = 'out'
           join run r on r.id = i.run_id join job j on j.id = r.job
           join dataset s on s.id = i.dataset join dataset t on t.id = o.dataset
           where i.direction = 'in' and upper(j.integration) = any(%s) and i.dataset <> o.dataset""",
        [list(LISTENERS)],
    ).fetchall()
    observed = frozenset(((row["sn"], row["sd"]), (row["tn"], row["td"])) for row in pairs)
    return Edges(sources, observed)
