"""The one door to Trino.

Everyone who asks Trino anything comes through here, so that every query carries a user (which the access rules judge),
a source and client tags (which lineage maps to a stable job name), and every failure says whether a retry can help.
The client library is imported when the first query is asked, because importing ours does no work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable
from enginedge.settings import Endpoint, settings

if TYPE_CHECKING:
    from trino.dbapi import Connection
    from trino.exceptions import TrinoQueryError

CATALOG = "lake"
#: A scan that Trino gives to a node that knows its catalogs, one row for each. What the coordinator answers alone, and
#: what needs no catalog, works seconds before any other scan does; TPC-H's tables would do as well, but take 300 MB of
#: its heap for their texts.
SCAN, SCANNED = 'select count(node) from jmx.current."java.lang:type=runtime"', [[1]]
_STOPPED_BY_SOMEBODY = frozenset({"USER_CANCELED", "ADMINISTRATIVELY_KILLED", "ADMINISTRATIVELY_PREEMPTED"})


@dataclass(frozen=True)
class QueryResult:
    """The answer to one statement.

    Attributes:
        rows: one tuple a row, of Python values: decimals are ``Decimal``, instants aware ``datetime``, days ``date``.
        columns: the names, in the order of the values.
        types: Trino's type of each column, such as ``timestamp(6) with time zone``.
        query_id: Trino's own id of the query, as its page and its lineage events show it.
    """

    rows: list[tuple[Any, ...]]
    columns: tuple[str, ...]
    types: tuple[str, ...]
    query_id: str


def query(
    sql: str,
    *,
    user: str = "lake",
    source: str = "enginedge",
    client_tags: Sequence[str] = (),
    parameters: Sequence[object] | None = None,
    at: Endpoint | None = None,
) -> QueryResult:
    """Run one statement to its end and return all of its rows; ``?`` in ``sql`` stands for the next of ``parameters``.

    It is asked of the platform's Trino, or of the one ``at`` another address.

    Raises:
        Misconfigured: Trino refused the statement (syntax, unknown name, no permission); names the query.
        Unavailable: Trino did not answer, lost a store behind it, ran out of memory, or somebody stopped the query.
    """
    with failures_named(at), closing(connect(user=user, source=source, client_tags=client_tags, at=at)) as connection:
        cursor = connection.cursor()
        cursor.execute(sql, list(parameters) if parameters else None)
        rows = [tuple(row) for row in cursor.fetchall()]
        described = cursor.description or []
        names, types = (tuple(str(column[field]) for column in described) for field in (0, 1))
        return QueryResult(rows, names, types, str(cursor.query_id))


def tables_of(schema: str) -> set[str]:
    """Every table of ``schema`` in the lake, by its full name; none where there is no such schema.

    Raises:
        Unavailable: Trino did not answer.
    """
    listed = query("SELECT table_name FROM information_schema.tables WHERE table_schema = ?", parameters=[schema])
    return {f"{schema}.{name}" for (name,) in listed.rows}


def connect(
    *, user: str = "lake", source: str = "enginedge", client_tags: Sequence[str] = (), at: Endpoint | None = None
) -> Connection:
    """A DB-API connection to the catalog ``lake``, in UTC. Nothing is sent before the first statement.

    Use it with :func:`failures_named` where the rows are too many to hold at once.
    """
    from trino.dbapi import Connection

    endpoint = at or settings().endpoint("trino")
    return Connection(
        host=endpoint.host,
        port=endpoint.port,
        http_scheme="http",
        user=user,
        source=source,
        client_tags=list(client_tags),
        catalog=CATALOG,
        timezone="UTC",
        legacy_prepared_statements=False,
    )


@contextmanager
def failures_named(at: Endpoint | None = None) -> Iterator[None]:
    """Turn the client's exceptions into ours, inside the ``with``; ``at`` is who was asked."""
    import requests
    from trino import exceptions

    silent = (requests.RequestException, exceptions.OperationalError, exceptions.HttpError)
    try:
        yield
    except exceptions.TrinoQueryError as error:
        raise _refusal(error) from error
    except silent as error:
        raise Unavailable(
            f"Trino did not answer ({type(error).__name__})",
            where=f"trino at {at or settings().endpoint('trino')}",
            remedy="look at `make status` and `make logs S=trino`, then try again",
        ) from error


def quoted(*names: str) -> str:
    """The dotted name of ``names`` for a statement, each part in double quotes."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def text(value: str) -> str:
    """``value`` as a text in a statement."""
    return "'" + value.replace("'", "''") + "'"


def _refusal(error: TrinoQueryError) -> EnginEdgeError:
    """The failure of a statement that Trino did take: the asker's fault, or a fault that may pass."""
    where = f"trino query {error.query_id or '(not started)'}"
    what = f"{error.error_name}: {error.message}"
    if error.error_type == "USER_ERROR" and error.error_name not in _STOPPED_BY_SOMEBODY:
        return Misconfigured(what, where=where, remedy="mend the statement, or ask for access where it was denied")
    return Unavailable(what, where=where, remedy="look at `make status` and the query in Trino's page, then try again")
