"""The whole installation is lost; what is left is the second copy of the backups and the recovery sheet.

It goes by the README's page for 3 a.m. and by nothing else, without Airflow, and ends when the next night has run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from enginedge import trino
from enginedge.backup.catalogue import catalogue
from enginedge.backup.locations import Location
from enginedge.backup.stores import store_names
from enginedge.lake import declared
from enginedge.settings import settings
from tests.installation import ROOT, enginedge, stack
from tests.integration.conftest import SCALE, SEED, Lake
from tests.integration.expected import expected
from tests.integration.test_nights import PLACES, digests

NEXT_NIGHT = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()
ON_A_FOLDER = ("etcd", "kafka", "redis", "jupyter")  # restored before their service is started
IN_PLACE = ("postgres", "mongodb", "minio")
FROM = ("--from", "offsite", "--json")


@pytest.mark.stack
@pytest.mark.destructive
@pytest.mark.timeout(3600)
def test_from_the_second_copy_and_the_recovery_sheet_everything_comes_back(
    lake_of_one_night: Lake, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    enginedge("backup", "prove")
    enginedge("backup", "copy")
    (proof,) = json.loads(enginedge("backup", "drill-lake", *FROM).stdout)
    assert proof["marts"] == len(declared.marts()), "the lake is proved from the second place, too"
    sheet = tmp_path / "sheet"
    sheet.write_text(enginedge("backup", "recovery-sheet").stdout)
    before, rows = digests(), raw_rows()

    burn(tmp_path / "elsewhere")
    began = datetime.now(UTC)
    restored = come_back(sheet, tmp_path / "elsewhere", tmp_path / "cache")
    record_property("seconds until everything was Ready again", round((datetime.now(UTC) - began).total_seconds()))
    record_property("parts compared", sum(each["parts"] for each in restored))

    assert {each["store"] for each in restored} == set(store_names())
    assert all(each["parts"] > 0 for each in restored if each["store"] != "etcd"), "etcd answers once it is started"
    assert digests() == before
    assert raw_rows() == rows

    night = lake_of_one_night.night
    enginedge("lake", "seed", "--nights", "1", "--scale", str(SCALE), "--seed", str(SEED), "--until", NEXT_NIGHT)
    summary = json.loads(enginedge("lake", "run", "--night", NEXT_NIGHT, "--json").stdout)
    published = {each["table"].removeprefix("core."): each for each in summary["tables"]}
    for table, counts in expected(NEXT_NIGHT, night).items():
        name = table.removeprefix("core.")
        assert {place: published[name][place] for place in PLACES} == asdict(counts), name
    added = {table: count - rows[table] for table, count in raw_rows().items()}
    assert added == {f"raw.{name}": published[name]["raw"] for name in published}, "it adds its own rows and no other"
    assert {each["store"] for each in json.loads(enginedge("backup", "prove", "--json").stdout)} == set(store_names())
    subprocess.run(["make", "bootstrap"], cwd=ROOT, check=True)  # back to the cache that stays


def burn(elsewhere: Path) -> None:
    """Nothing is left of the installation but what the second place keeps, which stands elsewhere."""
    stack("down")
    (settings().state / "data" / "offsite").rename(elsewhere)
    shutil.rmtree(settings().state)


def come_back(sheet: Path, elsewhere: Path, cache: Path) -> list[dict[str, Any]]:
    """The page for 3 a.m., from its last step on, with a ``cache`` that is empty; returns what each restore said.

    The cache that other checkouts share stays: to this one it is gone all the same, every engine is installed anew.
    """
    subprocess.run(["make", "bootstrap"], cwd=ROOT, check=True, env=os.environ | {"ENGINEDGE_CACHE": str(cache)})
    (settings().state / "data").mkdir(parents=True, mode=0o700)
    elsewhere.rename(settings().state / "data" / "offsite")
    enginedge("backup", "recover", str(sheet))
    stack("up", "--only", "offsite")
    listed = json.loads(enginedge("backup", "list", *FROM).stdout)
    assert {each["store"] for each in listed} >= set(store_names())
    restored = []
    for name in ON_A_FOLDER:
        restored += json.loads(enginedge("restore", name, *FROM).stdout)
    stack("up", "--only", ",".join(IN_PLACE))
    for name in IN_PLACE:
        restored += json.loads(enginedge("restore", name, *FROM).stdout)
    stack("up")
    assert not catalogue(Location.OFFSITE).read().damaged
    return restored


def raw_rows() -> dict[str, int]:
    """How many rows each raw table has."""
    names = [f"raw.{table.removeprefix('core.')}" for table in declared.core_tables()]
    counts = {name: f"select count(*) from {trino.quoted(*name.split('.'))}" for name in names}  # noqa: S608
    return {name: int(trino.query(statement).rows[0][0]) for name, statement in counts.items()}
