"""What the clock decides: which backup is newest, though it was set back; what is too old; what is read today."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enginedge.backup import keeping, night, operations
from enginedge.backup.catalogue import Found
from enginedge.backup.shapes import DrillReport, Dumped, Fingerprint, Manifest
from enginedge.backup.stores import Store, store_names
from enginedge.errors import Violated

NAME = "clock-suite"


class Kept:
    """A catalogue in memory."""

    def __init__(self, *manifests: Manifest, drills: tuple[DrillReport, ...] = ()) -> None:
        self.manifests, self.drills = [*manifests], drills

    def read(self, _: str = "") -> Found:
        return Found(tuple(sorted(self.manifests, key=lambda each: each.order)), self.drills, ())

    def add(self, manifest: Manifest) -> None:
        self.manifests.append(manifest)


class Clock:
    """The time, ``days`` behind."""

    strftime, monotonic = staticmethod(time.strftime), staticmethod(time.monotonic)

    def __init__(self, days: float) -> None:
        self.behind = days * 86_400

    def time(self) -> float:
        return time.time() - self.behind

    def gmtime(self) -> Any:
        return time.gmtime(self.time())


class Source:
    """A store that is dumped at once, when the clock of :mod:`enginedge.backup.night` says."""

    def dump(self, _: Any) -> Dumped:
        return Dumped(datetime.fromtimestamp(night.time.time(), UTC), Fingerprint({}), (), {})


class Nowhere:
    def marked(self, *_: str) -> None:
        return None

    def version(self) -> dict[str, str]:
        return {}


def test_the_newest_backup_is_the_one_that_was_taken_last(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, store, names = Kept(), Store(NAME, Source(), Nowhere, lambda _: None), []  # type: ignore[arg-type]
    for days in (0, 3, 1):
        monkeypatch.setattr(night, "time", Clock(days))
        names.append(night.back_up_held(store, Nowhere(), kept).id)  # type: ignore[arg-type]
    found = kept.read()
    assert [each.id for each in found.of(NAME)] == names
    assert operations.chosen(found, NAME).id == names[-1]


@pytest.mark.parametrize("days", [0, 300])
def test_what_is_dated_ahead_is_neither_tonights_backup_nor_this_rounds_proof(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    since, at = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(days=days)
    taken = [Manifest(f"{name}-1", name, Dumped(at, Fingerprint({}), (), {}), 1.0) for name in store_names()]
    drills = tuple(DrillReport(name, f"{name}-1", at, 1.0, 2.0, 3) for name in (*store_names(), "lake"))
    monkeypatch.setattr(operations, "catalogue", lambda: Kept(*taken, drills=drills))
    if not days:
        assert len(operations.account(since)) == len(store_names())
        assert len(operations.account_drills(since)) == len(store_names()) + 1
        return
    with pytest.raises(Violated, match="there is no backup of postgres"):
        operations.account(since)
    with pytest.raises(Violated, match="no backup was proved of postgres"):
        operations.account_drills(since)


@pytest.mark.parametrize("first", [datetime(2026, 11, 29, tzinfo=UTC), datetime(2027, 12, 29, tzinfo=UTC)])
def test_on_any_seven_days_in_a_row_every_share_of_the_bytes_is_read(
    first: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, int]] = []

    class Read:
        def ids(self) -> dict[str, datetime]:
            return {}

        def check(self, part: int, of: int) -> None:
            read.append((part, of))

    class Today(datetime):
        @classmethod
        def now(cls, _: Any = None) -> Any:
            return first + timedelta(days=len(read))

    monkeypatch.setattr(keeping, "catalogue", lambda _: Kept())
    monkeypatch.setattr(keeping, "repository", lambda _: Read())
    monkeypatch.setattr(keeping, "datetime", Today)
    told = [keeping.check_share() for _ in range(7)]
    assert sorted(read) == [(part, 7) for part in range(1, 8)]
    assert [each["share"] for each in told] == [f"{part}/{of}" for part, of in read]
