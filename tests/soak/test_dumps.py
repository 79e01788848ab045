"""Each store's own dump tool, killed at bytes all over its largest object: the full count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest

from enginedge.backup.catalogue import catalogue
from enginedge.backup.night import back_up, prepare
from enginedge.backup.repository import repository
from tests.backup import test_buckets, test_etcd, test_mongodb, test_postgres, test_volumes
from tests.contracts.backup_source import BackupSourceSuite, Taken, refuse_what_a_kill_leaves

KILLS, SEED = 20, 5
SUITES = {
    "postgres": test_postgres.TestPostgres,
    "mongodb": test_mongodb.TestMongoDB,
    "etcd": test_etcd.TestEtcd,
    "buckets": test_buckets.TestBuckets,
    "volumes": test_volumes.TestVolumes,
}


@pytest.mark.stores
@pytest.mark.usefixtures("running_stores")
@pytest.mark.parametrize("kind", SUITES)
def test_a_dump_tool_that_is_killed_at_any_byte_leaves_nothing_that_looks_whole(
    kind: str, record_property: Callable[[str, object], None]
) -> None:
    suite: BackupSourceSuite = SUITES[kind]()
    suite.seed()
    prepare(repository(), catalogue())
    store, began = suite.store(), datetime.now(UTC)
    before = store.source.fingerprint(suite.live())
    taken = Taken(store, back_up(store, repository(), catalogue()), set(), began, before)
    chance = Random(SEED)
    for _ in range(KILLS):
        refuse_what_a_kill_leaves(taken, chance)
    record_property("seed", SEED)
    record_property("kills", KILLS)
