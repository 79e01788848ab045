"""The night's users, interviews, resumes and conversations into MongoDB's database ``platform``.

A new document is inserted where its ``_id`` is absent. A revision is applied where its document exists and is older, as
the platform's services do it: so a night that is seeded again finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

from pymongo import MongoClient, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, ConfigurationError, OperationFailure

from enginedge.sample import conversations, interviews, resumes, users
from enginedge.sample.night import Night
from enginedge.sample.records import Record, Revision, batches
from enginedge.sample.writers import Written, refused, silent
from enginedge.settings import settings

STORE = "mongodb"
TABLES: tuple[ModuleType, ...] = (users, interviews, resumes, conversations)
BATCH = 2_000
REFUSALS = {13, 18}  # Unauthorized, AuthenticationFailed


@contextmanager
def connected() -> Iterator[MongoClient[Record]]:
    """A client that was answered once."""
    at = settings().endpoint(STORE)
    client: MongoClient[Record] = MongoClient(
        at.host,
        at.port,
        username="platform",
        password=settings().secret("mongodb-platform"),
        authSource="admin",
        directConnection=True,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=5_000,
        appname="enginedge-seed",
        tz_aware=True,
        w="majority",
    )
    try:
        client.get_database("platform").command("ping")
        client.get_database("platform").list_collection_names()
        yield client
    except OperationFailure as failure:
        if failure.code in REFUSALS:
            raise refused("MongoDB", at, failure, "mongodb-platform") from failure
        raise silent("MongoDB", at, failure) from failure
    except (AutoReconnect, ConfigurationError) as failure:
        raise silent("MongoDB", at, str(failure).split(", Timeout")[0]) from failure
    finally:
        client.close()


def write(night: Night, client: MongoClient[Record]) -> Iterator[Written]:
    """Write the night's documents and its revisions of earlier ones, one collection after the other."""
    database = client.get_database("platform")
    for table in TABLES:
        collection = database.get_collection(table.TABLE)
        collection.create_index("updated_at")
        new, present = _insert(collection, table.records(night))
        revised, kept = _revise(collection, table.revised(night))
        yield Written(STORE, table.TABLE, new + revised, present + kept)


def _insert(collection: Collection[Record], records: Iterator[Record]) -> tuple[int, int]:
    """How many were absent and are there now, and how many were there."""
    new = present = 0
    for batch in batches(records, BATCH):
        wanted = [UpdateOne({"_id": record["_id"]}, {"$setOnInsert": record}, upsert=True) for record in batch]
        result = collection.bulk_write(wanted, ordered=False)
        new += result.upserted_count
        present += result.matched_count
    return new, present


def _revise(collection: Collection[Record], revisions: Iterable[Revision]) -> tuple[int, int]:
    """How many documents were older and are revised now, and how many existed and are as new already."""
    revisions = list(revisions)
    wanted = [
        UpdateOne(
            {"_id": revision.key, "updated_at": {"$lt": revision.at}},
            {"$set": {**revision.changed, "updated_at": revision.at}},
        )
        for revision in revisions
    ]
    known = set(collection.distinct("_id", {"_id": {"$in": [revision.key for revision in revisions]}}))
    changed = collection.bulk_write(wanted, ordered=True).modified_count
    return changed, sum(revision.key in known for revision in revisions) - changed
