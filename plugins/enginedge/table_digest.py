"""A digest of every row of a table, by which it is told from any other, wherever it is read."""

from __future__ import annotations

from enginedge import trino
from enginedge.settings import Endpoint


def digest(table: str, *, snapshot: int | None = None, at: Endpoint | None = None, catalog: str = trino.CATALOG) -> str:
    """A digest of every row of ``table`` (``schema.name``), whatever their order: equal tables have equal digests.

    Each row is hashed as one text before the hashes are added up. Trino's checksum of the bare row would not do: there
    a row's hash is linear in its columns, and values that two rows have exchanged go unseen.

    Args:
        snapshot: the table as it was at this snapshot of it; as it is now where none is given.
        at: another Trino than the platform's.
        catalog: another of its catalogs than the one of the lake's own tables.

    Raises:
        Misconfigured, Unavailable: as :func:`enginedge.trino.query` does.
    """
    schema, _, name = table.partition(".")
    version = "" if snapshot is None else f" for version as of {snapshot}"
    source = f"{trino.quoted(catalog, schema, name)}{version}"
    described = trino.query(f"select * from {source} limit 0", at=at)  # noqa: S608
    columns = ", ".join(_as_text(*column) for column in sorted(zip(described.columns, described.types, strict=True)))
    row = f"xxhash64(to_utf8(json_format(cast(row({columns}) as json))))"
    answer = trino.query(f"select count(*), to_hex(checksum({row})) from {source}", at=at)  # noqa: S608
    rows, checksum = answer.rows[0]
    return f"{rows}:{checksum or ''}".lower()


def _as_text(column: str, of_type: str) -> str:
    """The column for a digest; JSON knows neither bytes nor instants."""
    name = trino.quoted(column)
    if of_type == "varbinary":
        return f"to_hex({name})"
    return f"cast({name} as varchar)" if of_type.endswith("with time zone") else name
