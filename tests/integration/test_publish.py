"""What publication leaves in the real lake: sealed snapshots, no branches, and one writer a table."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from enginedge import trino
from enginedge.errors import Unavailable
from enginedge.lake import night
from enginedge.lake.contracts import contracts
from enginedge.lake.leases import leased
from tests.conftest import ROOT
from tests.integration.conftest import Lake

pytestmark = pytest.mark.stack

HELD = "core.nobody__writes_this"
HOLDER = f"""
import time
from enginedge.lake.leases import leased
with leased(["{HELD}"], "another run"):
    print("held", flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("table", [each.table for layer in ("raw", "core") for each in contracts(layer)])
def test_no_branch_is_left_and_main_says_what_it_published(lake_of_one_night: Lake, table: str) -> None:
    schema, _, name = table.partition(".")
    refs = trino.query(f"SELECT name, snapshot_id FROM {schema}.{trino.quoted(name + '$refs')}").rows  # noqa: S608
    assert [ref for ref, _ in refs] == ["main"]
    snapshots = f"{schema}.{trino.quoted(name + '$snapshots')}"
    says = f"SELECT element_at(summary, 'enginedge.night') FROM {snapshots} WHERE snapshot_id = {refs[0][1]}"  # noqa: S608
    assert trino.query(says).rows[0][0] >= lake_of_one_night.night


def test_two_starts_of_one_night_at_the_same_time_have_one_effect(lake_of_one_night: Lake) -> None:
    last = lake_of_one_night.night
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(night.refresh_source, "postgres", last, run) for run in ("one", "other")]
        (one,), (other,) = (each.result() for each in both)
    assert (one.snapshot, one.status) == (other.snapshot, "already published")


def test_whoever_waits_for_a_lease_in_vain_is_told_who_holds_it(running_stack: None) -> None:
    with leased([HELD], "the night of somebody"), pytest.raises(Unavailable, match="held by the night of somebody"):
        _take_at_once()


def test_a_lease_dies_with_its_holder(running_stack: None) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Unavailable, match="another run"):
            _take_at_once()
        holder.kill()
    with leased([HELD], "the next run", patience_s=10):
        pass


def _take_at_once() -> None:
    with leased([HELD], "whoever waits", patience_s=0):
        pytest.fail("the lease was given twice")
