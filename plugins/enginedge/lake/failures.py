"""From an exception of Spark, or of a store behind it, to one of ours: whose fault it is and whether a retry helps."""

from __future__ import annotations

import re

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated

_REFUSED = re.compile(
    r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|Access Denied|status code: 403"
    r"|password authentication failed|permission denied|SaslAuthenticationException|MongoSecurityException"
    r"|not authorized|AuthenticationFailed",
    re.IGNORECASE,
)
_FULL = re.compile(r"No space left on device|XMinioStorageFull|QuotaExceeded|minimum free drive", re.IGNORECASE)
_SILENT = re.compile(
    r"Connection refused|ConnectException|SocketTimeout|TTransportException|MongoTimeoutException|MongoSocket"
    r"|UnknownHostException|NoRouteToHost|TimeoutException|Unable to execute HTTP request|SdkClientException"
    r"|connection attempt failed|terminating connection|Connection reset|Failed to connect|disconnected",
    re.IGNORECASE,
)


def named(error: BaseException, table: str) -> EnginEdgeError:
    """``error`` as one of our own failures, naming the table; our own pass through unchanged."""
    if isinstance(error, EnginEdgeError):
        return error
    said = " ".join(str(error).split())
    untouched = "main of every table that is not published yet"
    if found := _FULL.search(said):
        return Unavailable(
            f"a store is full: {_around(found)}",
            where=table,
            untouched=untouched,
            remedy="make room, run the night again",
        )
    if found := _REFUSED.search(said):
        return Misconfigured(
            f"a store refused us: {_around(found)}",
            where=table,
            untouched=untouched,
            remedy="compare the secrets in the state folder with the store's users",
        )
    if found := _SILENT.search(said):
        return Unavailable(
            f"a service did not answer: {_around(found)}",
            where=table,
            untouched=untouched,
            remedy="look at `make status`, then run the night again",
        )
    return Violated(
        f"{type(error).__name__}: {said[:400]}", where=table, untouched=untouched, remedy="read the application's log"
    )


def _around(found: re.Match[str]) -> str:
    return found.string[max(0, found.start() - 160) : found.end() + 160]
