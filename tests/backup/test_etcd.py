"""etcd's backups: the suite, and what only etcd has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enginedge.backup.sources.etcd import Etcd
from enginedge.backup.stores import Store, declared_stores
from enginedge.etcd import Client
from enginedge.settings import settings
from tests.backup.etcd_gateway import gateway
from tests.contracts.backup_source import CANARY, BackupSourceSuite, Taken


@pytest.mark.stores
class TestEtcd(BackupSourceSuite):
    dumper = "snapshot.db"

    def store(self) -> Store:
        (store,) = declared_stores(["etcd"])
        return store

    def live(self) -> Client:
        return self.store().source.client

    def unreachable(self) -> Etcd:
        return Etcd(replace(self.live(), url="http://127.0.0.1:1"))

    def seed(self) -> None:
        with gateway(self.live()) as etcd:
            etcd.delete("/backup-suite/")
            for number in range(300):
                etcd.put(f"/backup-suite/pods/{number}", f"pod {number} ü" * 20)
                etcd.put(f"/backup-suite/odd/{number % 7}", f"{number}")
            etcd.put("/backup-suite/empty", "")
            etcd.put("/backup-suite/sung", CANARY)

    def write(self, number: int) -> None:
        with gateway(self.live()) as etcd:
            etcd.put("/backup-suite/clock", str(number))

    def alter(self, target: Any) -> str:
        with gateway(target.client) as etcd:
            etcd.put("/backup-suite/pods/117", "another")
        return "keys /backup-suite/pods is "

    def test_every_key_is_described_by_its_first_steps(self, taken: Taken) -> None:
        parts = taken.manifest.dumped.fingerprint.parts
        assert parts["keys /backup-suite/pods"].startswith("300 keys, ")
        assert parts["keys /backup-suite/odd"].startswith("7 keys, ")
        assert {"keys /backup-suite/empty", "keys /backup-suite/clock", "history", "users and roles"} <= set(parts)

    def test_the_copy_has_the_history_and_not_only_the_keys(self, taken: Taken) -> None:
        """A drill's comparison holds the revision and etcd's own hash over all revisions."""
        assert taken.manifest.dumped.fingerprint.parts["history"].startswith("revision ")
        assert settings().endpoint("etcd").url == self.live().url
