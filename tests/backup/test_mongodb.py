"""MongoDB's backups: the suite, and what only MongoDB has."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from pymongo import MongoClient

from enginedge.backup.repository import repository
from enginedge.backup.sources import mongodb_contents as contents
from enginedge.backup.sources.mongodb import MongoDB
from enginedge.backup.stores import Store, declared_stores
from enginedge.settings import settings
from tests.contracts.backup_source import CANARY, BackupSourceSuite, Taken

DATABASE = "backup_suite"


def connect() -> MongoClient[Any]:
    at = settings().endpoint("mongodb")
    return MongoClient(
        at.host, at.port, username="root", password=settings().secret("mongodb-root"), directConnection=True
    )


def may(*actions: str) -> dict[str, Any]:
    """What a role may do with the people."""
    return {"resource": {"db": DATABASE, "collection": "people"}, "actions": [*actions]}


@pytest.mark.stores
class TestMongoDB(BackupSourceSuite):
    dumper = "mongodump"
    questions = 2

    def store(self) -> Store:
        (store,) = declared_stores(["mongodb"])
        return store

    def live(self) -> Any:
        return self.store().source.server

    def unreachable(self) -> MongoDB:
        return MongoDB(replace(self.live(), port=1))

    def seed(self) -> None:
        with connect() as client:
            client.drop_database(DATABASE)
            database = client[DATABASE]
            database.people.insert_many(
                {"_id": n, "name": f"ü {n}", "when": datetime(2026, 11, 25, tzinfo=UTC), "cost": Decimal128("1.10")}
                for n in range(5000)
            )
            database.people.create_index([("name", 1)], unique=True)
            database.mixed.insert_many([{"_id": key} for key in (1, "1", ObjectId(), None, 2.5, {"a": 1})])
            database.create_collection("last", capped=True, size=4096)
            database.create_collection("seen", viewOn="people", pipeline=[{"$match": {"_id": {"$gt": 10}}}])
            database.create_collection("measured", timeseries={"timeField": "at", "metaField": "of"})
            database.measured.insert_many({"at": datetime(2026, 11, n + 1, tzinfo=UTC), "of": "a"} for n in range(9))
            database.numbers.insert_one({"_id": 0})
            database.sung.insert_one({"_id": CANARY})
            database.command("dropAllRolesFromDatabase")
            database.command("createRole", "clerk", privileges=[may("find")], roles=[])

    def write(self, number: int) -> None:
        if not hasattr(self, "client"):
            self.client = connect()
        self.client[DATABASE].numbers.insert_one({"_id": number})
        self.client[DATABASE].people.update_one({"_id": number % 5000}, {"$set": {"name": f"changed {number}"}})

    def close(self) -> None:
        self.client.close()

    def alter(self, target: Any) -> str:
        with target.connected() as client:
            client[DATABASE].people.update_one({"_id": 4321}, {"$set": {"cost": Decimal128("1.1")}, "$inc": {"n": 1}})
        return f"{DATABASE}.people is "

    def test_everything_that_a_database_has_is_described(self, taken: Taken) -> None:
        parts = taken.manifest.dumped.fingerprint.parts
        found = {name.removeprefix(f"{DATABASE}."): part for name, part in parts.items()}
        assert found["people"].startswith("5000 documents, ")
        assert found["mixed"].startswith("6 documents, ")
        assert {"last definition", "seen definition", "measured definition", "system.buckets.measured"} <= set(found)
        assert {"admin.system.users", "admin.system.roles"} <= set(found)

    @pytest.mark.usefixtures("running_stores")
    def test_only_what_was_written_to_since_is_read_again(self) -> None:
        with connect() as client:
            database = client["backup_suite_oplog"]
            for name in ("still", "written", "together", "gone"):
                database[name].insert_one({"_id": 0})
            database.create_collection("measured", timeseries={"timeField": "at"})
            parts = dict.fromkeys(
                f"{database.name}.{name}" for name in ("still", "written", "together", "measured", "later definition")
            )
            before = client.admin.command("ping")["operationTime"]
            database.written.update_one({"_id": 0}, {"$set": {"n": 1}})
            database.measured.insert_one({"at": datetime(2026, 11, 25, tzinfo=UTC)})
            with client.start_session() as session, session.start_transaction():
                database.together.insert_one({"_id": 1}, session=session)
            now = client.admin.command("ping")["operationTime"]
            left = contents.unchanged(client, parts, before, now)
            assert [name.partition(".")[2] for name in left] == ["still", "later definition"]
            database.gone.drop()
            later = client.admin.command("ping")["operationTime"]
            assert not contents.unchanged(client, parts, before, later), "a collection went: everything is read again"
            client.drop_database(database.name)

    def test_the_restored_copy_is_of_one_moment(self, restored: Any) -> None:
        with restored.connected() as client:
            numbers = [each["_id"] for each in client[DATABASE].numbers.find().sort("_id", 1)]
        assert numbers == list(range(len(numbers))), "written one after the other, so a gap is a torn copy"
        assert len(numbers) > 10

    def test_a_new_server_that_was_set_up_already_is_restored_into(self, taken: Taken) -> None:
        """Its users are there, with other passwords, and a role that may more than it did."""
        with taken.store.scratch() as target:
            with target.connected() as client:
                client.admin.command("createUser", "lake", pwd="another", roles=[])  # noqa: S106
                client[DATABASE].command("createRole", "clerk", privileges=[may("find", "remove")], roles=[])
            taken.store.source.restore(taken.manifest.dumped, repository(), target)
            copy = taken.store.source.fingerprint(target)
        assert taken.manifest.dumped.fingerprint.differences(copy) == []
