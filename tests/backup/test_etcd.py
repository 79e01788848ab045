"""etcd's backups: the suite, and what only etcd has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from enginedge.backup import operations
from enginedge.backup.catalogue import catalogue
from enginedge.backup.drills import ask
from enginedge.backup.repository import repository
from enginedge.backup.sources.etcd import Etcd
from enginedge.backup.stores import Store, declared_stores
from enginedge.errors import Violated
from enginedge.etcd import Client
from enginedge.settings import settings
from tests.backup.etcd_gateway import gateway
from tests.contracts.backup_source import CANARY, BackupSourceSuite, Taken


@pytest.mark.stores
class TestEtcd(BackupSourceSuite):
    dumper = "snapshot.db"
    questions = 1

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

    def test_a_copy_that_takes_no_key_is_refused(self, taken: Taken, restored: Any) -> None:
        """As etcd itself does where it has used up its room."""
        with gateway(restored.client) as etcd:
            (member,) = etcd.ask("cluster/member/list")["members"]
            alarm = {"memberID": member["ID"], "alarm": "NOSPACE"}
            etcd.ask("maintenance/alarm", action="ACTIVATE", **alarm)
            with pytest.raises(Violated, match=r"does not work: .*space"):
                ask(taken.store, restored)
            etcd.ask("maintenance/alarm", action="DEACTIVATE", **alarm)
            assert len(ask(taken.store, restored)) == self.questions

    def test_the_copy_has_the_history_and_not_only_the_keys(self, taken: Taken) -> None:
        """A drill's comparison holds the revision and etcd's own hash over all revisions."""
        assert taken.manifest.dumped.fingerprint.parts["history"].startswith("revision ")
        assert settings().endpoint("etcd").url == self.live().url


@pytest.mark.stores
@pytest.mark.usefixtures("running_stores")
def test_restored_in_earnest_its_revisions_are_newer_than_any_that_a_client_has_seen() -> None:
    (store,) = declared_stores(["etcd"])
    with gateway(store.source.client) as etcd:
        etcd.put("/raised/key", "value")
        seen = int(etcd.ask("kv/put", key="YQ==", value="YQ==")["header"]["revision"])
    backup = operations.back_up_store("etcd")["id"]
    dumped = catalogue().read("etcd").manifest(backup).dumped
    with store.scratch() as there:
        store.source.restore(dumped, repository(), replace(there, ahead=store.target(None).ahead))
        found = store.source.fingerprint(there)
        assert [told.partition(" is ")[0] for told in dumped.fingerprint.differences(found)] == ["history"]
        with gateway(there.client) as etcd:
            assert etcd.read("/raised/") == {"/raised/key": "value"}
            assert int(etcd.ask("kv/put", key="YQ==", value="Yg==")["header"]["revision"]) > seen + 1_000_000
            with pytest.raises(httpx.HTTPStatusError) as refused:
                etcd.ask("kv/range", key="YQ==", revision=str(seen))
            assert "compacted" in refused.value.response.text
        again = Etcd(there.client).dump(repository().marked("etcd", "raised"))
        with store.scratch() as copy:
            store.source.restore(again, repository(), copy)
            assert again.fingerprint.differences(store.source.fingerprint(copy)) == []
    repository().forget([each.id for each in again.objects])
