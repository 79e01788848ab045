"""Whose fault a failure in Spark is: told by what the exception says, whatever its class."""

from __future__ import annotations

import pytest

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.lake.failures import named

TABLE = "core.mongodb__users"


@pytest.mark.parametrize(
    ("said", "kind", "what"),
    [
        ("java.io.IOException: No space left on device", Unavailable, "a store is full"),
        ("XMinioStorageFull: Storage backend has reached its minimum free drive threshold", Unavailable, "full"),
        ("FATAL: password authentication failed for user lake", Misconfigured, "a store refused us"),
        ("software.amazon.awssdk: SdkClientException: status code: 403", Misconfigured, "a store refused us"),
        ("java.net.ConnectException: Connection refused", Unavailable, "a service did not answer"),
        ("TTransportException\n\tat somewhere", Unavailable, "a service did not answer: TTransportException at"),
        ("division by zero", Violated, "RuntimeError: division by zero"),
    ],
)
def test_an_exception_is_told_by_what_it_says(said: str, kind: type[EnginEdgeError], what: str) -> None:
    failure = named(RuntimeError(said), TABLE)
    assert type(failure) is kind
    assert what in failure.what
    assert failure.where == TABLE
    assert failure.untouched
    assert failure.remedy


def test_our_own_failures_stay_what_they_are() -> None:
    ours = Violated("the rule required:user_id is broken")
    assert named(ours, TABLE) is ours


def test_a_long_message_is_cut_around_what_matters() -> None:
    failure = named(RuntimeError("a" * 1000 + " Connection refused " + "b" * 1000), TABLE)
    assert "Connection refused" in failure.what
    assert len(failure.what) < 500
