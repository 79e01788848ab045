"""What a second night stores of a store that has grown, and of one that has changed all over."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from enginedge.backup import night
from enginedge.backup.catalogue import Catalogue
from enginedge.backup.object_store import object_store
from enginedge.backup.repository import Restic
from enginedge.backup.shapes import Manifest
from tests.benchmarks.filled import Kind

#: What a second night stores beyond what was appended: the chunk in which the old end stood and the one around the
#: stream's head, of up to 8 MB each and 1 MB as a rule; of etcd's file, whose pages change in place, some more.
CONSTANT = 4_000_000
CONSTANT_OF_ETCD = 8_000_000


@dataclass(frozen=True)
class Growth:
    """Bytes: what was appended and what was stored of it; then, of a hundredth that was changed all over, the chunks
    that were not there before and what was stored of them."""

    kind: str
    appended: int
    stored: int
    chunks: int
    chunks_stored: int

    @property
    def over_appended(self) -> float:
        """What was stored, without the constant, over what was appended."""
        return max(0, self.stored - (CONSTANT_OF_ETCD if self.kind == "etcd" else CONSTANT)) / self.appended

    @property
    def over_chunks(self) -> float:
        return self.chunks_stored / max(1, self.chunks)

    def __str__(self) -> str:
        return (
            f"{self.appended:,} bytes appended, {self.stored:,} stored; changed all over: {self.chunks:,} bytes of new "
            f"chunks, {self.chunks_stored:,} stored"
        )


def second_nights(kind: Kind, appended: int) -> Growth:
    """Back up, append so many bytes, back up; change a hundredth of all things, back up."""
    with fresh_repository() as (repository, catalogue):
        back_up(kind, repository, catalogue)
        kind.append(appended)
        grown = back_up(kind, repository, catalogue)
        kind.scatter()
        changed = back_up(kind, repository, catalogue)
        listed = repository._listed(changed.id)
    chunks = sum(int(each["summary"]["data_added"]) for each in listed)
    return Growth(kind.name, appended, grown.bytes_stored, chunks, changed.bytes_stored)


def back_up(kind: Kind, repository: Restic, catalogue: Catalogue) -> Manifest:
    """What a night does of one store."""
    night.prepare(repository, catalogue)
    return night.back_up(kind.store, repository, catalogue)


@contextmanager
def fresh_repository() -> Iterator[tuple[Restic, Catalogue]]:
    """An empty repository and its catalogue, in a bucket that is gone afterwards."""
    root = object_store("root")
    bucket = f"bench-{secrets.token_hex(4)}"
    with root.client() as client:
        client.create_bucket(Bucket=bucket)
        made = replace(Restic(root), bucket=bucket)
        made.create()
        try:
            yield made, Catalogue(root, root, bucket=bucket)
        finally:
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for each in page.get("Contents", ()):
                    client.delete_object(Bucket=bucket, Key=each["Key"])
            client.delete_bucket(Bucket=bucket)
