"""Buckets: every object as it was at one moment, read by the version that was current then.

The buckets keep their versions for a while, so that what is overwritten or deleted during the backup is still read as
it was when it began. Objects stream through a small program of ours into the repository, in the order of their keys.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enginedge.backup import archive
from enginedge.backup.object_store import ObjectStore
from enginedge.backup.shapes import Command, Dumped, Fingerprint, Repository, refuse_present
from enginedge.backup.tools import spool_folder
from enginedge.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT_ONCE = 1000  # as many objects are deleted by one request
AHEAD = 8  # objects that are asked for before they are needed
LATEST = datetime.max.replace(tzinfo=UTC)
CONTENT_TYPE, METADATA = "type", "metadata"
#: What else a reader is told of an object, where somebody has said it: how it is called here, and by boto3.
HEADERS = {
    "encoding": "ContentEncoding",
    "language": "ContentLanguage",
    "disposition": "ContentDisposition",
    "caching": "CacheControl",
}


@dataclass(frozen=True)
class Version:
    """One object as it was: its key, and the version to read."""

    key: str
    id: str


@dataclass(frozen=True)
class Move:
    """Objects whose keys begin with ``prefix``, to be put under ``to_prefix`` of ``to_bucket``, instead of what is
    there; their description, under their old keys, is written to ``told``."""

    bucket: str
    prefix: str
    to_bucket: str
    to_prefix: str
    told: Path

    def command(self, to: ObjectStore) -> Command:
        """What reads the bucket's archive and puts them there."""
        return _command(to, "move", self.bucket, self.prefix, self.to_bucket, self.to_prefix, str(self.told))


@dataclass(frozen=True)
class Buckets:
    """These buckets of one object store."""

    store: ObjectStore
    buckets: Sequence[str]

    def dump(self, into: Repository) -> Dumped:
        with self.store.client() as client:
            moment = _moment(client, self.buckets[0])
        objects = []
        parts: dict[str, str] = {}
        with spool_folder() as folder:
            for bucket in self.buckets:
                told = folder / f"{bucket}.json"
                stream = _command(self.store, "dump", bucket, moment.isoformat(), str(told))
                objects.append(into.save_output(bucket, stream))
                parts |= json.loads(told.read_text())
        return Dumped(moment, Fingerprint(parts), tuple(objects), {"python": platform.python_version()})

    def restore(self, dumped: Dumped, repository: Repository, to: ObjectStore) -> None:
        refuse_present(self.present(to), to.where)
        for snapshot in dumped.objects:
            repository.load_into(snapshot, _command(to, "load", snapshot.name))

    def present(self, at: ObjectStore) -> list[str]:
        with at.client() as client:
            return [each for each in self.buckets if client.list_objects_v2(Bucket=each, MaxKeys=1).get("Contents")]

    def clear(self, at: ObjectStore, aside: Path | None) -> None:  # noqa: ARG002 - is no folder
        """Delete what is current; where a bucket keeps its versions, they stay for as long as it does."""
        with at.client() as client:
            for bucket in self.buckets:
                delete(client, bucket, keys(client, bucket))

    def admit(self, to: ObjectStore) -> None:
        """Nobody was kept out."""

    def fingerprint(self, at: ObjectStore) -> Fingerprint:
        parts: dict[str, str] = {}
        with at.client() as client:
            for bucket in self.buckets:
                parts |= archive.describe(entries(client, bucket, LATEST), partial(part, bucket))
        return Fingerprint(parts)


def versions(client: S3Client, bucket: str, moment: datetime, prefix: str = "") -> Iterator[Version]:
    """Every object of ``bucket`` whose key begins with ``prefix``, as it was at ``moment``, in the order of the
    keys."""
    last = ""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        marks = [(each["Key"], each["LastModified"], None) for each in page.get("DeleteMarkers", ())]
        kept = [(each["Key"], each["LastModified"], each["VersionId"]) for each in page.get("Versions", ())]
        # Of each key the newest comes first, and the first one that is not too new is the one that was current.
        for key, modified, id_ in sorted([*marks, *kept], key=lambda each: (each[0], -each[1].timestamp())):
            if key != last and modified <= moment:
                last = key
                if id_ is not None:
                    yield Version(key, id_)


def keys(client: S3Client, bucket: str, prefix: str = "") -> Iterator[str]:
    """The key of every current object of ``bucket`` that begins with ``prefix``."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", ()):
            yield each["Key"]


def delete(client: S3Client, bucket: str, doomed: Iterable[str]) -> None:
    """Delete these objects of ``bucket``.

    Raises:
        Unavailable: some of them would not go; names the first.
    """
    left = iter(doomed)
    while some := [{"Key": key} for key in islice(left, AT_ONCE)]:
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})  # type: ignore[typeddict-item]
        for failed in answer.get("Errors", ()):
            raise Unavailable(f"{failed['Key']} was not deleted: {failed['Message']}", where=bucket)


def entries(client: S3Client, bucket: str, moment: datetime, prefix: str = "") -> Iterator[archive.Entry]:
    """The objects themselves; some are asked for ahead of time, so that small ones do not wait for each other."""
    waiting: deque[tuple[str, Future[Any]]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:
        for version in versions(client, bucket, moment, prefix):
            asked = pool.submit(client.get_object, Bucket=bucket, Key=version.key, VersionId=version.id)
            waiting.append((version.key, asked))
            if len(waiting) >= AHEAD:
                yield _entry(*waiting.popleft())
        while waiting:
            yield _entry(*waiting.popleft())


def _entry(key: str, asked: Future[Any]) -> archive.Entry:
    answer = asked.result()
    more = {CONTENT_TYPE: answer.get("ContentType", "")}
    more |= {name: answer[header] for name, header in HEADERS.items() if answer.get(header)}
    if answer.get("Metadata"):
        more[METADATA] = json.dumps(answer["Metadata"], sort_keys=True)
    return archive.Entry(key, answer["ContentLength"], answer["Body"], more)


def part(bucket: str, key: str) -> str:
    """The folder that an object lies in."""
    return f"{bucket}/{key.rpartition('/')[0]}"


def _moment(client: S3Client, bucket: str) -> datetime:
    """The end of this second by the object store's own clock, which also dates its versions; returns after it."""
    date = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]["date"]
    time.sleep(1)
    return parsedate_to_datetime(date).astimezone(UTC) + timedelta(seconds=1, microseconds=-1)


def _command(store: ObjectStore, *arguments: str) -> Command:
    login = (store.url, store.user, str(store.password_file))
    return Command((sys.executable, "-m", __name__, *login, *arguments))


def _dump(store: ObjectStore, bucket: str, moment: datetime, told: Path) -> None:
    with store.client() as client:
        parts = archive.write(entries(client, bucket, moment), sys.stdout.buffer, partial(part, bucket))
    told.write_text(json.dumps(parts))


def _load(store: ObjectStore, bucket: str) -> None:
    with store.client() as client:
        for entry in archive.read(sys.stdin.buffer):
            _put(client, bucket, entry.name, entry)


def _move(store: ObjectStore, move: Move) -> None:
    described = archive.Description(partial(part, move.bucket))
    with store.client() as client:
        in_the_way = set(keys(client, move.to_bucket, move.to_prefix))
        for entry in map(archive.digested, archive.read(sys.stdin.buffer)):
            if entry.name.startswith(move.prefix):
                key = move.to_prefix + entry.name.removeprefix(move.prefix)
                _put(client, move.to_bucket, key, entry)
                described.pass_by(entry)
                in_the_way.discard(key)
        delete(client, move.to_bucket, in_the_way if described.counts else ())
    move.told.write_text(json.dumps(described.parts))


def _put(client: S3Client, bucket: str, key: str, entry: archive.Entry) -> None:
    kept = {"ContentType": entry.more[CONTENT_TYPE], "Metadata": json.loads(entry.more.get(METADATA, "{}"))}
    kept |= {header: entry.more[name] for name, header in HEADERS.items() if name in entry.more}
    client.upload_fileobj(entry.content, bucket, key, ExtraArgs=kept)


if __name__ == "__main__":
    url, user, password_file, verb, name, *rest = sys.argv[1:]
    there = ObjectStore(url, user, Path(password_file))
    if verb == "dump":
        _dump(there, name, datetime.fromisoformat(rest[0]), Path(rest[1]))
    elif verb == "move":
        _move(there, Move(name, rest[0], rest[1], rest[2], Path(rest[3])))
    else:
        _load(there, name)
