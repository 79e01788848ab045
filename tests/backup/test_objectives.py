"""How backups stand to their objectives, as a table of cases; and that each finding has a cause, and only that one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enginedge.backup.catalogue import Found
from enginedge.backup.objectives import Code, Report, Severity, report
from enginedge.backup.shapes import DrillReport, Dumped, Fingerprint, Manifest, Snapshot
from enginedge.backup.status import as_cells, as_json, refuse_missed
from enginedge.errors import Misconfigured, Violated
from enginedge.platform import Backup, Objectives, Readiness, Service

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OBJECTIVES = Objectives(rpo_hours=26, rto_minutes=10, window_minutes=60, verified_days=8, offsite_hours=30)
POSTGRES = Service(
    name="postgres",
    title="PostgreSQL",
    kind="store",  # type: ignore[arg-type]
    readiness=Readiness(probe="postgres"),  # type: ignore[arg-type]
    backup=(Backup(what="platform", how="dump"), Backup(what="airflow", how="dump")),  # type: ignore[arg-type]
    objectives=OBJECTIVES,
    memory_mb=1,
)


def taken(hours_ago: float, gb: float = 1, minutes: float = 10, store: str = "postgres") -> Manifest:
    objects = (Snapshot("a", "whole", int(gb * 10**9) - 1, 7), Snapshot("b", "roles", 1, 2))
    dumped = Dumped(NOW - timedelta(hours=hours_ago), Fingerprint({}), objects, {})
    return Manifest(f"{store}-{hours_ago}", store, dumped, minutes * 60)


def replaced(manifest: Manifest) -> Manifest:
    """What a restore has kept of what it replaced."""
    return replace(manifest, id="safety", safety=True)


def proved(days_ago: float, minutes: float = 5, store: str = "postgres") -> DrillReport:
    return DrillReport(store, "some", NOW - timedelta(days=days_ago), minutes * 60, minutes * 60 + 9, 3)


def catalogued(
    manifests: list[Manifest], drills: list[DrillReport] | None = None, damaged: tuple[str, ...] = ()
) -> Found:
    oldest_first = sorted(manifests, key=lambda each: each.taken_at)
    return Found(tuple(oldest_first), tuple(sorted(drills or [], key=lambda each: each.drilled_at)), damaged)


def judged(
    here: list[Manifest], drills: list[DrillReport] | None = None, there: list[Manifest] | None = None, **service: Any
) -> Report:
    return report([POSTGRES.model_copy(update=service)], catalogued(here, drills), catalogued(there or []), NOW)


GOOD = judged([taken(200), taken(11)], [proved(3)], [taken(11)])


@pytest.mark.parametrize(
    ("here", "drills", "there", "codes"),
    [
        ([taken(200), taken(11)], [proved(3)], [taken(11)], []),
        ([], [], [], [Code.RPO_MISSED]),
        ([taken(26.1)], [proved(1)], [taken(26.1)], [Code.RPO_MISSED]),
        ([taken(25.9)], [proved(1)], [taken(25.9)], []),
        ([taken(100), taken(1)], [proved(1)], [taken(29)], []),
        ([taken(100), taken(1)], [proved(1)], [taken(31)], [Code.OFFSITE_STALE]),
        ([taken(29)], [proved(1)], [], [Code.RPO_MISSED]),
        ([taken(29), replaced(taken(1))], [proved(1)], [taken(29)], [Code.RPO_MISSED]),
        ([taken(100), taken(1)], [proved(1)], [taken(31), replaced(taken(1))], [Code.OFFSITE_STALE]),
        ([taken(31), taken(1)], [proved(1)], [], [Code.OFFSITE_STALE]),
        ([taken(200), taken(1)], [proved(8.1)], [taken(1)], [Code.VERIFICATION_STALE]),
        ([taken(200), taken(1)], [proved(20), proved(7.9)], [taken(1)], []),
        ([taken(200), taken(1)], [proved(9), proved(-300)], [taken(1)], [Code.VERIFICATION_STALE]),
        ([taken(200), taken(-300)], [proved(1)], [taken(1)], [Code.RPO_MISSED]),
        ([taken(200), taken(1)], [proved(1)], [taken(-300)], [Code.OFFSITE_STALE]),
        ([taken(200), taken(-0.5)], [proved(1)], [taken(-0.5)], []),
        ([taken(24 * 7), taken(1)], [], [taken(1)], []),
        ([taken(24 * 9), taken(1)], [], [taken(1)], [Code.VERIFICATION_STALE]),
        ([taken(1)], [proved(1, minutes=11)], [], [Code.RTO_MISSED]),
        ([taken(1)], [proved(9, minutes=11), proved(1, minutes=9)], [], []),
        ([taken(1)], [proved(1, store="mongodb")], [], []),
        ([taken(1, store="mongodb")], [proved(1)], [], [Code.RPO_MISSED]),
        ([taken(1, gb=100.1)], [], [], [Code.DUMP_OUTGROWN]),
        ([taken(2, gb=100.1), taken(1, gb=99)], [], [], []),
        ([taken(1, minutes=49)], [], [], [Code.WINDOW_OUTGROWN]),
        ([taken(1, minutes=47)], [], [], []),
        ([taken(300, gb=101, minutes=61)], [proved(9, minutes=11)], [taken(300)], [
            Code.RPO_MISSED, Code.RTO_MISSED, Code.VERIFICATION_STALE, Code.OFFSITE_STALE, Code.DUMP_OUTGROWN,
            Code.WINDOW_OUTGROWN,
        ]),
    ],
)  # fmt: skip
def test_each_case_has_its_findings(
    here: list[Manifest], drills: list[DrillReport], there: list[Manifest], codes: list[Code]
) -> None:
    assert [each.code for each in judged(here, drills, there).findings] == codes


@pytest.mark.parametrize(
    ("how", "gb", "warns"), [("snapshot", 9, True), ("bucket", 5000, False), ("volume", 5000, False)]
)
def test_what_outgrows_its_dump_depends_on_how_it_is_dumped(how: str, gb: float, warns: bool) -> None:
    found = judged([taken(1, gb=gb)], backup=(Backup(what="x", how=how),))  # type: ignore[arg-type]
    assert (Code.DUMP_OUTGROWN in {each.code for each in found.findings}) is warns


def test_the_figures_are_those_of_the_manifest_the_drill_and_the_copy() -> None:
    (store,) = GOOD.standings
    assert (store.rpo_hours, store.rto_minutes, store.verified_days, store.offsite_hours) == (11, 5, 3, 11)
    assert (store.bytes_in, store.bytes_stored, store.duration_s) == (10**9, 9, 600)
    assert store.bytes_per_s == pytest.approx(10**9 / 600)


def test_a_backup_that_took_no_time_has_no_throughput() -> None:
    assert judged([taken(1, minutes=0)]).standings[0].bytes_per_s is None


def test_a_second_place_that_does_not_answer_is_a_finding_and_the_rest_is_told() -> None:
    found = report([POSTGRES], catalogued([taken(200), taken(1)], [proved(1)]), None, NOW)
    assert [each.code for each in found.missed] == [Code.OFFSITE_UNKNOWN]
    assert found.standings[0].rpo_hours == 1


def test_what_was_altered_at_either_place_is_named() -> None:
    here, there = catalogued([taken(1)], damaged=("manifests/postgres/x.json",)), catalogued([], damaged=("drills/y",))
    found = report([POSTGRES], here, there, NOW)
    assert [(each.code, each.subject) for each in found.missed] == [
        (Code.CATALOGUE_DAMAGED, "manifests/postgres/x.json"),
        (Code.CATALOGUE_DAMAGED, "drills/y"),
    ]


def test_what_is_not_backed_up_has_no_standing() -> None:
    found = judged([], backup=(), objectives=None)
    assert (found.standings, found.findings) == ((), ())


def test_a_store_without_objectives_is_refused() -> None:
    with pytest.raises(Misconfigured, match="no objectives"):
        judged([], objectives=None)


def test_a_missed_objective_is_violated_and_a_warning_is_not() -> None:
    refuse_missed(GOOD)
    refuse_missed(judged([taken(1, gb=200)]))
    with pytest.raises(Violated, match=r"postgres \(rpo-missed\)"):
        refuse_missed(judged([]))


def test_every_finding_says_what_to_do() -> None:
    found = judged([taken(300, gb=101, minutes=61)], [proved(9, minutes=11)], [taken(300)])
    assert all(each.message and each.remedy for each in found.findings)
    assert {each.severity for each in found.findings} == set(Severity)


def test_the_report_as_json_has_no_value_that_json_has_not() -> None:
    told = as_json(replace(GOOD, at=NOW))
    assert told["at"] == "2026-11-25T12:00:00+00:00"
    assert told["stores"][0]["allowed"]["rpo_hours"] == 26
    assert told["stores"][0]["bytes_per_s"] == pytest.approx(1666666.667)
    assert told["findings"] == []
    assert as_json(judged([]))["findings"][0]["code"] == "rpo-missed"


def test_what_is_unknown_is_shown_as_such() -> None:
    cells = as_cells(judged([]).standings[0])
    assert cells["lost if lost now"] == "— of 26 h"
    assert cells["wrong"] == "rpo-missed"
    assert as_cells(GOOD.standings[0])["MB in"] == "1000.0"
