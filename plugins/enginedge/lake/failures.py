"""From an exception of Spark, or of a store behind it, to one of ours: whose fault it is and whether a retry helps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated


@dataclass(frozen=True)
class _Sign:
    """What an exception says that is not ours, which of our failures it is, and what to do about it."""

    said: re.Pattern[str]
    failure: type[EnginEdgeError]
    what: str
    remedy: str


_SIGNS = (
    _Sign(
        re.compile(
            r"No space left on device|XMinioStorageFull|QuotaExceeded|minimum free drive",
            re.IGNORECASE,
        ),
        Unavailable,
        "a store is full",
        "make room, run the night again",
    ),
    _Sign(
        re.compile(
            r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|Access Denied|status code: 403"
            r"|password authentication failed|permission denied|SaslAuthenticationException|MongoSecurityException"
            r"|not authorized|AuthenticationFailed",
            re.IGNORECASE,
        ),
        Misconfigured,
        "a store refused us",
        "compare the secrets in the state folder with the store's users",
    ),
    _Sign(
        re.compile(
            r"Connection refused|ConnectException|SocketTimeout|TTransportException|MongoTimeoutException|MongoSocket"
            r"|UnknownHostException|NoRouteToHost|TimeoutException|Unable to execute HTTP request|SdkClientException"
            r"|connection attempt failed|terminating connection|Connection reset|Failed to connect|disconnected",
            re.IGNORECASE,
        ),
        Unavailable,
        "a service did not answer",
        "look at `make status`, then run the night again",
    ),
)


def named(error: BaseException, table: str) -> EnginEdgeError:
    """``error`` as one of our own failures, naming the table; our own pass through unchanged.

    A refusal that is wrapped in a failed connection is a refusal: the first sign that fits counts.
    """
    if isinstance(error, EnginEdgeError):
        return error
    said = " ".join(str(error).split())
    untouched = "main of every table that is not published yet"
    for sign in _SIGNS:
        if found := sign.said.search(said):
            what = f"{sign.what}: {_around(found)}"
            return sign.failure(what, where=table, untouched=untouched, remedy=sign.remedy)
    return Violated(
        f"{type(error).__name__}: {said[:400]}", where=table, untouched=untouched, remedy="read the application's log"
    )


def _around(found: re.Match[str]) -> str:
    return found.string[max(0, found.start() - 160) : found.end() + 160]
