"""How an analyst reads the lake: data frames through Trino, as the user ``analyst``, who can't write.

A frame carries in its ``attrs`` what the repository promises of the table and when it was published, and it is read
from that one snapshot. For this user, columns that hold personal data are empty, and the raw layer and what has not
passed its audit are not there: Trino's access rules see to that, not this module.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from enginedge import trino
from enginedge.errors import Misconfigured
from enginedge.lake.described import described
from enginedge.lake.frames import frame

if TYPE_CHECKING:
    import pandas

USER = "analyst"
SOURCE = "analyst"
MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class Publication:
    """The snapshot that readers see of a table, and since when; ``night`` is empty where the snapshot names none."""

    snapshot_id: int
    published_at: datetime
    night: str


def table(
    name: str,
    *,
    columns: Sequence[str] | None = None,
    where: str | None = None,
    parameters: Sequence[object] = (),
    limit: int | None = MOST_ROWS,
    exact: bool = False,
) -> pandas.DataFrame:
    """The table ``name``, such as ``mart.interviews__daily_funnel``, as a data frame in no particular order.

    ``attrs`` holds ``table``, ``description``, ``owner``, ``columns`` (the description of each column),
    ``published_at`` (when readers first saw these rows; UTC), ``night``, ``snapshot_id`` and ``query_id``. The types of
    the columns are those of :mod:`enginedge.lake.frames`.

    Args:
        columns: the columns to read; all that the user may read, if not given.
        where: a condition in Trino's SQL, such as ``"stage = ? and entered_on >= ?"``.
        parameters: the values of its question marks, in their order.
        limit: the most rows to read; where the table has more, there is a warning. ``None`` reads them all.
        exact: keep decimals as ``Decimal`` instead of floats.

    Raises:
        Misconfigured: there is no such table or column for this user (names the nearest), or the condition is wrong.
        Unavailable: Trino, or a store behind it, did not answer.
    """
    comments = _readable_columns(name)
    wanted = list(columns) if columns is not None else list(comments)
    _refuse_unknown(wanted, comments, name)
    publication = _publication(name)
    statement = _selection(name, wanted, where, publication, limit)
    answer = trino.query(statement, user=USER, source=SOURCE, client_tags=[name], parameters=parameters or None)
    read = frame(answer, exact=exact)
    if limit is not None and len(read) > limit:
        warnings.warn(f"{name} has more than {limit:,} rows: the rest was not read", stacklevel=2)
        read = read.iloc[:limit]
    words = described(name)
    read.attrs = {
        "table": name,
        "description": words.description,
        "owner": words.owner,
        "columns": {column: words.columns.get(column) or comments[column] for column in wanted},
        "published_at": publication and publication.published_at,
        "night": (publication and publication.night) or "",
        "snapshot_id": publication and publication.snapshot_id,
        "query_id": answer.query_id,
    }
    return read


def tables() -> pandas.DataFrame:
    """What there is to read, a row a table: ``table``, ``description``, ``owner``, ``published_at``, ``night``."""
    import pandas

    rows = []
    for name in readable_tables():
        words, publication = described(name), _publication(name)
        when = publication and publication.published_at
        rows.append((name, words.description, words.owner, when, (publication and publication.night) or ""))
    listed = pandas.DataFrame(rows, columns=["table", "description", "owner", "published_at", "night"])
    return listed.astype({"published_at": "datetime64[us, UTC]"})


def query(sql: str, *, parameters: Sequence[object] = (), exact: bool = False) -> pandas.DataFrame:
    """Any statement that reads, in Trino's SQL, as a data frame; ``attrs["query_id"]`` finds it in Trino's page.

    Raises:
        Misconfigured: Trino refused the statement; the user ``analyst`` may read core and mart, and write nothing.
        Unavailable: Trino, or a store behind it, did not answer.
    """
    answer = trino.query(sql, user=USER, source=SOURCE, parameters=parameters or None)
    read = frame(answer, exact=exact)
    read.attrs["query_id"] = answer.query_id
    return read


def readable_tables() -> list[str]:
    """The names of the tables that Trino lets the user ``analyst`` read, sorted."""
    answer = trino.query(
        "select table_schema || '.' || table_name from information_schema.tables"
        " where table_schema <> 'information_schema' order by 1",
        user=USER,
        source=SOURCE,
    )
    return [str(name) for (name,) in answer.rows]


def metadata_file(name: str) -> str:
    """The address of the Iceberg metadata of the table ``name`` as it stands now."""
    log = _metadata_table(name, "metadata_log_entries")
    answer = trino.query(f"select file from {log} order by timestamp desc limit 1", user=USER, source=SOURCE)  # noqa: S608
    return str(answer.rows[0][0])


def _metadata_table(name: str, kind: str) -> str:
    schema, _, unqualified = name.partition(".")
    return trino.quoted(schema, f"{unqualified}${kind}")


def _readable_columns(name: str) -> dict[str, str]:
    """The comment of each column that the user may read, in the table's order."""
    schema, _, unqualified = name.partition(".")
    answer = trino.query(
        "select column_name, coalesce(comment, '') from information_schema.columns"
        " where table_schema = ? and table_name = ? order by ordinal_position",
        user=USER,
        source=SOURCE,
        parameters=[schema, unqualified],
    )
    if not answer.rows:
        raise _unknown("table", name, readable_tables())
    return {str(column): str(comment) for column, comment in answer.rows}


def _publication(name: str) -> Publication | None:
    """The snapshot that stands on main; ``None`` for a table that was never written."""
    history, snapshots = _metadata_table(name, "history"), _metadata_table(name, "snapshots")
    answer = trino.query(
        "select h.snapshot_id, h.made_current_at, element_at(s.summary, 'enginedge.night')"  # noqa: S608 - quoted names
        f" from {history} h left join {snapshots} s on s.snapshot_id = h.snapshot_id"
        " order by h.made_current_at desc limit 1",
        user=USER,
        source=SOURCE,
    )
    return Publication(answer.rows[0][0], answer.rows[0][1], answer.rows[0][2] or "") if answer.rows else None


def _selection(
    name: str, columns: Sequence[str], where: str | None, publication: Publication | None, limit: int | None
) -> str:
    parts = [f"select {', '.join(trino.quoted(column) for column in columns)} from {trino.quoted(*name.split('.'))}"]  # noqa: S608 - quoted names; the condition is the asker's own, with the asker's rights
    if publication:
        parts.append(f"for version as of {publication.snapshot_id}")
    if where:
        parts.append(f"where {where}")
    if limit is not None:
        parts.append(f"limit {limit + 1}")
    return " ".join(parts)


def _refuse_unknown(wanted: Iterable[str], known: Iterable[str], name: str) -> None:
    for column in wanted:
        if column not in known:
            raise _unknown("column", column, list(known), where=name)


def _unknown(kind: str, name: str, known: Sequence[str], where: str = "the lake") -> Misconfigured:
    nearest = get_close_matches(name, known, n=3, cutoff=0.4) or list(known)[:3]
    return Misconfigured(
        f"there is no {kind} {name!r} that {USER} may read",
        where=where,
        remedy=f"the nearest: {', '.join(nearest)}" if nearest else "run a night, so that there is something to read",
    )
