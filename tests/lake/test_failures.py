"""Whose fault a failure in Spark is: told by what the exception says, whatever its class."""

from __future__ import annotations

import pytest

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.lake.failures import named
from enginedge.settings import settings

POSTGRES = settings().endpoint("postgres")
TABLE = "core.mongodb__users"


@pytest.mark.parametrize(
    ("said", "kind", "what", "remedy"),
    [
        ("S3Exception: Bucket quota exceeded", Unavailable, "a bucket of minio has used up its quota", "quota"),
        ("XMinioStorageFull: Storage backend", Unavailable, "the disk under minio is full", "make room"),
        ("reached its minimum free drive threshold", Unavailable, "the disk under minio is full", "make room"),
        ("java.io.IOException: No space left on device", Unavailable, "a disk is full", "make room"),
        ("write: Disk quota exceeded", Unavailable, "a disk is full", "make room"),
        ("awssdk: SdkClientException: status code: 403", Misconfigured, "minio refused us", "secret minio-lake"),
        ("password authentication failed for user lake", Misconfigured, "postgres refused", "secret postgres-lake"),
        (
            'password authentication failed for user "airflow_reader"',
            Misconfigured,
            "postgres refused us",
            "secret postgres-airflow-reader",
        ),
        ("SaslAuthenticationException: no", Misconfigured, "kafka refused us", "secret kafka-lake"),
        ("MongoSecurityException: no", Misconfigured, "mongodb refused us", "secret mongodb-lake"),
        ("/somewhere (Permission denied)", Misconfigured, "we were refused", "the rights"),
        (f"Connection to {POSTGRES} refused: Connection refused", Unavailable, "postgres did not answer", "status"),
        ("java.net.ConnectException: Connection refused", Unavailable, "a service did not answer", "make status"),
        ("TTransportException\n\tat x", Unavailable, "a service did not answer: TTransportException at", "status"),
        ("division by zero", Violated, "RuntimeError: division by zero", "log"),
    ],
)
def test_an_exception_is_told_by_what_it_says(said: str, kind: type[EnginEdgeError], what: str, remedy: str) -> None:
    failure = named(RuntimeError(said), TABLE)
    assert type(failure) is kind
    assert what in failure.what
    assert remedy in failure.remedy
    assert failure.where == TABLE
    assert failure.untouched


def test_our_own_failures_stay_what_they_are() -> None:
    ours = Violated("the rule required:user_id is broken")
    assert named(ours, TABLE) is ours


def test_a_long_message_is_cut_around_what_matters() -> None:
    failure = named(RuntimeError("a" * 1000 + " Connection refused " + "b" * 1000), TABLE)
    assert "Connection refused" in failure.what
    assert len(failure.what) < 500


def test_of_a_chain_of_exceptions_the_outermost_and_the_innermost_are_told() -> None:
    """As Java prints one whose reason lies two causes deep."""
    said = """An error occurred while calling o520.collectToPython.
: java.util.concurrent.ExecutionException: Boxed Exception
\tat scala.concurrent.impl.Promise$.resolve(Promise.scala:99)
Caused by: java.lang.NoSuchMethodException: no such method
\t... 38 more
Caused by: java.lang.VirtualMachineError: Out of space in CodeCache
\t... 42 more
"""
    outermost, innermost = named(RuntimeError(said), TABLE).what.split(" … caused by: ")
    assert outermost.endswith("collectToPython. : java.util.concurrent.ExecutionException: Boxed Exception")
    assert innermost == "java.lang.VirtualMachineError: Out of space in CodeCache"
