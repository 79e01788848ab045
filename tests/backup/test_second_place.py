"""What is kept at the second place by what was proved at the first, and what it is before anything was copied."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from enginedge.backup import copying, keeping
from enginedge.backup.catalogue import Found
from enginedge.backup.locations import Location
from enginedge.backup.retention import Keep
from enginedge.backup.shapes import DrillReport, Dumped, Fingerprint, Manifest
from enginedge.errors import Unavailable

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
ONE_DAY = Keep(daily=1, weekly=0, monthly=0, yearly=0)
MANIFESTS = tuple(
    Manifest(f"etcd-{day}", "etcd", Dumped(BEGAN + timedelta(days=day), Fingerprint({}), (), {}), 1.0, day)
    for day in range(4)
)
PROOF = DrillReport("etcd", "etcd-1", BEGAN + timedelta(days=2), 1.0, 1.0, 1)
HERE, THERE = Found(MANIFESTS, (PROOF,), ()), Found(MANIFESTS, (), ())


class Place:
    """A catalogue and a repository in one."""

    def __init__(self, found: Found | None, is_made: bool = True) -> None:
        self.found, self.is_made = found, is_made

    def read(self, _: str = "") -> Found:
        if self.found is None:
            raise Unavailable("it does not answer")
        return self.found

    def exists(self) -> bool:
        return self.is_made

    def ids(self) -> dict[str, datetime]:
        return {"left behind": BEGAN}


def two_places(monkeypatch: pytest.MonkeyPatch, here: Place, there: Place) -> None:
    places = {Location.PRIMARY: here, Location.OFFSITE: there}
    for module, names in ((keeping, ("catalogue", "repository")), (copying, ("catalogue", "repository"))):
        for name in names:
            monkeypatch.setattr(module, name, lambda location=Location.PRIMARY: places[location])


def test_what_was_proved_at_the_first_place_is_kept_at_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    two_places(monkeypatch, Place(HERE), Place(THERE))
    stay = [each.manifest.id for each in keeping.judged(keep=ONE_DAY, location=Location.OFFSITE).verdicts if each.stays]
    assert stay == ["etcd-3", "etcd-1"]
    assert [each.id for each in copying.missing(HERE, replace(THERE, manifests=()), ONE_DAY)] == ["etcd-1", "etcd-3"]


def test_without_the_first_place_the_second_goes_by_its_own_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    two_places(monkeypatch, Place(None), Place(replace(THERE, drills=(PROOF,))))
    stay = [each.manifest.id for each in keeping.judged(keep=ONE_DAY, location=Location.OFFSITE).verdicts if each.stays]
    assert stay == ["etcd-3", "etcd-1"]


def test_before_anything_was_copied_nothing_is_checked_given_up_or_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    two_places(monkeypatch, Place(HERE), Place(Found((), (), ()), is_made=False))
    assert keeping.check_share(1, 7, Location.OFFSITE) == {"manifests": 0, "share": "1/7"}
    assert keeping.foretold(location=Location.OFFSITE) == []


def test_a_repository_that_is_there_is_searched_for_what_was_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    two_places(monkeypatch, Place(HERE), Place(Found((), (), ())))
    assert keeping.judged(location=Location.OFFSITE).orphans == ["left behind"]
