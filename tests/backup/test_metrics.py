"""The numbers as Prometheus reads them: parsed by its own parser, and compared with the report they are of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from enginedge.backup import metrics
from enginedge.backup.objectives import Code, Report
from tests.backup.test_objectives import GOOD, NOW, POSTGRES, catalogued, judged, proved, report, taken


def samples(folder: Path) -> dict[tuple[str, ...], float]:
    """Every sample in the folder's file, by its name without ours before it and its labels."""
    (path,) = folder.iterdir()
    assert path.suffix == ".prom", "the collector reads nothing else"
    families = text_string_to_metric_families(path.read_text())
    told = [each for family in families for each in family.samples]
    labels = [[each.labels[name] for name in ("store", "code") if name in each.labels] for each in told]
    names = [each.name.removeprefix("enginedge_backup_") for each in told]
    return {(name, *label): each.value for name, label, each in zip(names, labels, told, strict=True)}


def test_what_is_known_of_a_store_is_told_in_seconds_and_bytes(tmp_path: Path) -> None:
    metrics.write(GOOD, tmp_path)
    told = samples(tmp_path)
    assert told["taken_timestamp_seconds", "postgres"] == (NOW - timedelta(hours=11)).timestamp()
    assert told["verified_timestamp_seconds", "postgres"] == (NOW - timedelta(days=3)).timestamp()
    assert told["offsite_taken_timestamp_seconds", "postgres"] == (NOW - timedelta(hours=11)).timestamp()
    assert told["restore_seconds", "postgres"] == 5 * 60
    assert told["duration_seconds", "postgres"] == 600
    assert told["read_bytes", "postgres"] == 10**9
    assert told["stored_bytes", "postgres"] == 9
    assert told["throughput_bytes_per_second", "postgres"] == pytest.approx(10**9 / 600)
    assert told["judged_timestamp_seconds",] == NOW.timestamp()


def test_each_figure_stands_beside_what_is_allowed_of_it(tmp_path: Path) -> None:
    metrics.write(GOOD, tmp_path)
    told = {name[0]: value for name, value in samples(tmp_path).items() if name[0].startswith("allowed")}
    assert told == {
        "allowed_age_seconds": 26 * 3600,
        "allowed_restore_seconds": 10 * 60,
        "allowed_verified_age_seconds": 8 * 86400,
        "allowed_offsite_age_seconds": 30 * 3600,
        "allowed_duration_seconds": 3600,
    }


def test_every_finding_is_told_as_it_is_or_is_not(tmp_path: Path) -> None:
    metrics.write(judged([taken(31)], [proved(1, minutes=11)], []), tmp_path)
    told = {name[1:]: value for name, value in samples(tmp_path).items() if name[0] == "finding"}
    assert set(told) == {(store, code) for store in ("postgres", "catalogue") for code in Code}
    wrong = {name for name, value in told.items() if value}
    assert wrong == {("postgres", Code.RPO_MISSED), ("postgres", Code.RTO_MISSED), ("postgres", Code.OFFSITE_STALE)}


def test_what_is_wrong_with_the_catalogue_belongs_to_no_store(tmp_path: Path) -> None:
    found = report([POSTGRES], catalogued([taken(1)], damaged=("manifests/postgres/x.json",)), None, NOW)
    metrics.write(found, tmp_path)
    told = {name[1:]: value for name, value in samples(tmp_path).items() if name[0] == "finding" and value}
    assert set(told) == {("catalogue", Code.CATALOGUE_DAMAGED), ("catalogue", Code.OFFSITE_UNKNOWN)}


def test_what_is_unknown_is_no_zero(tmp_path: Path) -> None:
    metrics.write(judged([]), tmp_path)
    known = {name[0] for name in samples(tmp_path)}
    assert not known & {"taken_timestamp_seconds", "restore_seconds", "read_bytes"}


@pytest.mark.parametrize("found", [GOOD, judged([])])
def test_the_file_is_replaced_and_the_collector_may_read_it(tmp_path: Path, found: Report) -> None:
    before = metrics.write(GOOD, tmp_path).stat().st_ino
    path = metrics.write(found, tmp_path)
    assert path.stat().st_ino != before
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path], "nothing half-written is left beside it"
