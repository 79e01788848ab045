"""The night of every source once more; in the gate a person's form leaves two sources in it."""

from __future__ import annotations

import pytest

from enginedge.lake import declared
from tests.integration.conftest import Lake
from tests.integration.test_nights import digests, rerun, standing

pytestmark = [pytest.mark.stack, pytest.mark.destructive]


def test_a_night_of_all_sources_that_is_run_again_changes_no_row_and_moves_no_table(lake_of_one_night: Lake) -> None:
    tables = [table for table in declared.core_tables() if not table.startswith("core.airflow")]
    before, stood = digests(), standing(tables)
    rerun(lake_of_one_night.night)
    assert digests() == before
    assert standing(tables) == stood
