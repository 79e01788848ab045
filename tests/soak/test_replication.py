"""What was in the buckets before they were replicated follows by itself, which MinIO takes its time for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from enginedge.backup.replication import replicate, waiting
from tests.backup.test_replication import BUCKET, _as_it_was, here, there, versions

__all__ = ["_as_it_was", "here", "there"]

OBJECTS, WITHIN_S = 200, 600.0


@pytest.mark.stores
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("running_stores")
def test_what_was_there_before_follows_with_its_versions(
    here: Any, there: Any, record_property: Callable[[str, object], None]
) -> None:
    prefix = f"before/{uuid4().hex}"
    for number in range(OBJECTS):
        here.put_object(Bucket=BUCKET, Key=f"{prefix}/{number % 150}", Body=f"{number}".encode())
    replicate()
    began = time.monotonic()
    while any(each["waiting"] for each in waiting()):
        assert time.monotonic() - began < WITHIN_S, waiting()
        time.sleep(2)
    record_property("objects", OBJECTS)
    record_property("seconds until nothing waited", round(time.monotonic() - began))
    mine = {each["VersionId"] for each in versions(here, key=prefix)}
    assert len(mine) == OBJECTS
    assert mine <= {each["VersionId"] for each in versions(there, key=prefix)}
