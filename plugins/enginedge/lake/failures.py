"""From an exception of Spark, or of a store behind it, to one of ours: whose fault it is and whether a retry helps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.platform import load_platform
from enginedge.settings import settings


@dataclass(frozen=True)
class _Sign:
    """What an exception says that is not ours, which of our failures it is, and what to do about it."""

    said: re.Pattern[str]
    failure: type[EnginEdgeError]
    what: str
    remedy: str


def _compare(secret: str) -> str:
    return f"compare the secret {secret} with the user in that store; `make up` sets its password anew"


#: ``{service}`` is the service whose address the exception speaks of.
_SIGNS = (
    _Sign(
        re.compile(r"BucketQuotaExceeded|Bucket quota exceeded", re.IGNORECASE),
        Unavailable,
        "a bucket of minio has used up its quota",
        "raise the bucket's quota or make room in it, then run the night again",
    ),
    _Sign(
        re.compile(r"XMinioStorageFull|minimum free drive", re.IGNORECASE),
        Unavailable,
        "the disk under minio is full",
        "make room on the disk that holds minio's data, then run the night again",
    ),
    _Sign(
        re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE),
        Unavailable,
        "a disk is full",
        "make room on the disk that the message speaks of, then run the night again",
    ),
    _Sign(
        re.compile(
            r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|Access Denied|status code: 403", re.IGNORECASE
        ),
        Misconfigured,
        "minio refused us",
        _compare("minio-lake"),
    ),
    _Sign(
        re.compile(r'authentication failed for user "?airflow_reader', re.IGNORECASE),
        Misconfigured,
        "postgres refused us",
        _compare("postgres-airflow-reader"),
    ),
    _Sign(
        re.compile(r"password authentication failed", re.IGNORECASE),
        Misconfigured,
        "postgres refused us",
        _compare("postgres-lake"),
    ),
    _Sign(
        re.compile(r"SaslAuthenticationException", re.IGNORECASE),
        Misconfigured,
        "kafka refused us",
        _compare("kafka-lake"),
    ),
    _Sign(
        re.compile(r"MongoSecurityException|not authorized|AuthenticationFailed", re.IGNORECASE),
        Misconfigured,
        "mongodb refused us",
        _compare("mongodb-lake"),
    ),
    _Sign(
        re.compile(r"permission denied", re.IGNORECASE),
        Misconfigured,
        "we were refused",
        "compare the rights of the user, or of the file, that the message speaks of",
    ),
    _Sign(
        re.compile(
            r"Connection refused|ConnectException|SocketTimeout|TTransportException|MongoTimeoutException|MongoSocket"
            r"|UnknownHostException|NoRouteToHost|TimeoutException|Unable to execute HTTP request|SdkClientException"
            r"|connection attempt failed|terminating connection|Connection reset|Failed to connect|disconnected"
            r"|Could not connect|Read timeout|Connect timeout",
            re.IGNORECASE,
        ),
        Unavailable,
        "{service} did not answer",
        "look at `make status`, then run the night again",
    ),
)


#: A frame of a Java exception, or the line that stands for those that it shares with what it caused.
_FRAMES = re.compile(r" at [\w.$/<>]+\((?:\w+\.\w+:\d+|Native Method|Unknown Source)\)| \.\.\. \d+ more")


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
            what = f"{sign.what.format(service=_spoken_of(said) or 'a service')}: {_around(found)}"
            return sign.failure(what, where=table, untouched=untouched, remedy=sign.remedy)
    what = f"{type(error).__name__}: {_from_end_to_end(said)}"
    return Violated(what, where=table, untouched=untouched, remedy="read the application's log")


def _from_end_to_end(said: str) -> str:
    """The outermost and the innermost exception that Java tells of, without where it was."""
    chain = [_FRAMES.split(each)[0][:400] for each in said.split("Caused by: ")]
    return " … caused by: ".join(dict.fromkeys((chain[0], chain[-1])))


def _spoken_of(said: str) -> str:
    """The services of the inventory whose addresses are in ``said``; empty where there is none."""
    here = settings()
    services = load_platform(here.root / "deploy" / "platform.yaml").services
    ports = {str(here.endpoint(each.name, port).port): each.name for each in services for port in each.ports}
    return " and ".join(dict.fromkeys(ports[port] for port in re.findall(r":(\d+)\b", said) if port in ports))


def _around(found: re.Match[str]) -> str:
    return found.string[max(0, found.start() - 160) : found.end() + 160]
