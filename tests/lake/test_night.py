"""What a night makes of a machine that fails under it."""

from __future__ import annotations

import errno
from contextlib import nullcontext
from typing import Any

import pytest

from enginedge.errors import Unavailable
from enginedge.lake import night, source_lineage, spark


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else holds the lease, and nothing was published before."""
    monkeypatch.setattr(night, "leased", lambda *_: nullcontext())
    monkeypatch.setattr(night, "_standing", lambda *_: [])
    monkeypatch.setattr(spark, "submit", lambda *_: [])


def test_a_disk_that_is_too_full_for_lineage_is_named_and_may_heal(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/spool/x")

    monkeypatch.setattr(source_lineage, "emit", full)
    with pytest.raises(Unavailable, match="/data/spool/x"):
        night.refresh_source("kafka", "2026-11-23", "r")


def test_another_failure_of_the_machine_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file")

    monkeypatch.setattr(source_lineage, "emit", missing)
    with pytest.raises(FileNotFoundError):
        night.refresh_source("kafka", "2026-11-23", "r")
