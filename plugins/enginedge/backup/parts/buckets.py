"""The objects of a bucket whose keys begin with a prefix: put in their place, or under another prefix or bucket."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from enginedge.backup import archive
from enginedge.backup.drills import refuse_differences
from enginedge.backup.object_store import ObjectStore
from enginedge.backup.parts.shapes import Part, Scratch, beginning, refuse_unknown
from enginedge.backup.shapes import Dumped, Fingerprint, Repository
from enginedge.backup.sources import buckets
from enginedge.backup.tools import spool_folder
from enginedge.errors import Misconfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class BucketParts:
    """A part is a bucket, or a bucket and a prefix of keys: ``lake``, ``lake/core.db/``."""

    sets_aside: bool = False

    def check(self, part: Part, dumped: Dumped) -> None:
        known = {each.name for each in dumped.objects}
        bucket, prefix = _divided(part.what)
        folders = {name.rstrip("/") for name in dumped.fingerprint.parts}
        if bucket not in known or (prefix and not beginning(part.what.rstrip("/"), folders - known)):
            refuse_unknown(part.what, (known | folders) - {part.what})

    def present(self, part: Part, at: ObjectStore) -> list[str]:
        bucket, prefix = _divided(part.to)
        with at.client() as client:
            if prefix and not prefix.endswith("/"):
                _refuse_neighbours(client, bucket, prefix)
            found = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=3).get("Contents", ())
            return [f"{bucket}/{each['Key']}" for each in found]

    def restore(
        self,
        part: Part,
        dumped: Dumped,
        repository: Repository,
        to: ObjectStore,
        scratch: Scratch,  # noqa: ARG002 - needs none
    ) -> int:
        (bucket, prefix), (to_bucket, to_prefix) = _divided(part.what), _divided(part.to)
        (saved,) = (each for each in dumped.objects if each.name == bucket)
        with spool_folder() as folder:
            told = folder / "parts.json"
            move = buckets.Move(bucket, prefix, to_bucket, to_prefix, told)
            repository.load_into(saved, move.command(to))
            loaded: dict[str, str] = json.loads(told.read_text())
        if not loaded:
            raise Misconfigured(
                f"the backup has no {part.what!r}", where="--only", remedy="give the beginning of a key that it has"
            )
        with to.client() as client:
            there = buckets.entries(client, to_bucket, buckets.LATEST, to_prefix)
            as_they_were = (replace(each, name=prefix + each.name.removeprefix(to_prefix)) for each in there)
            found = archive.describe(as_they_were, partial(buckets.part, bucket))
        # a folder of which only some objects were wanted is compared with what was read, and each other one with what
        # it was when it was dumped
        whole = {name: told for name, told in dumped.fingerprint.parts.items() if _is_in(part.what, f"{name}/")}
        refuse_differences(Fingerprint({**loaded, **whole}).differences(Fingerprint(found)), part.to)
        return len(whole)


def _refuse_neighbours(client: S3Client, bucket: str, prefix: str) -> None:
    """Return when ``prefix`` is no folder's name without its slash that is the beginning of other names, too.

    Raises:
        Misconfigured: it is; names the folder and one that would go with it.
    """
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/", MaxKeys=3)
    names = [each["Prefix"] for each in listed.get("CommonPrefixes", ())]
    names += [each["Key"] for each in listed.get("Contents", ())]
    if f"{prefix}/" in names and len(names) > 1:
        other = next(each for each in names if each != f"{prefix}/")
        raise Misconfigured(
            f"it is the folder {prefix}/, and also the beginning of {other}, which would go with it",
            where=f"{bucket}/{prefix}",
            untouched="the bucket",
            remedy=f"say {bucket}/{prefix}/, if the folder is meant",
        )


def _divided(name: str) -> tuple[str, str]:
    bucket, _, prefix = name.partition("/")
    return bucket, prefix


def _is_in(what: str, folder: str) -> bool:
    return folder.startswith(what if "/" in what else f"{what}/")
