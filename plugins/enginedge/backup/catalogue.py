"""Which backups there are: their manifests, and the drills that proved them, as signed JSON beside the repository.

A manifest can be read with nothing but an S3 client, so that somebody who has lost everything else still sees what can
be restored and from which object. What is missing, altered or not signed by our key is no backup.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from enginedge.backup.locations import PLACES, Location
from enginedge.backup.object_store import ObjectStore
from enginedge.backup.repository import BUCKET
from enginedge.backup.shapes import DrillReport, Dumped, Fingerprint, Manifest, Pointed, Snapshot
from enginedge.errors import EnginEdgeError, Misconfigured, Violated
from enginedge.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectLockRetentionTypeDef

MANIFESTS, DRILLS = "manifests", "drills"
NOT_KEPT = "restic/locks/"  # by which restic's processes know of each other, for minutes
SIGNING_KEY = "backup-signing"
AT_ONCE = 8


@dataclass(frozen=True)
class Found:
    """What the catalogue holds, store by store and oldest first; ``damaged`` are the keys of what cannot be trusted."""

    manifests: tuple[Manifest, ...]
    drills: tuple[DrillReport, ...]
    damaged: tuple[str, ...]

    def of(self, store: str) -> list[Manifest]:
        return [each for each in self.manifests if each.store == store]

    def regular(self, store: str) -> list[Manifest]:
        """The backups of ``store`` but those of what a restore has replaced, which is most often what nobody wants."""
        return [each for each in self.of(store) if not each.safety]

    def older(self, store: str) -> list[Manifest]:
        """The regular backups of ``store`` but the newest."""
        return self.regular(store)[:-1]

    def last_taken(self, since: datetime, until: datetime) -> dict[str, Manifest]:
        """The last regular backup of each store that has one of between these moments."""
        taken = [each for each in self.manifests if since <= each.taken_at <= until and not each.safety]
        return {each.store: each for each in taken}

    def drills_of(self, store: str) -> list[DrillReport]:
        return [each for each in self.drills if each.store == store]

    def manifest(self, id_: str, store: str = "") -> Manifest:
        """The manifest with this id, which is one of ``store`` where that is given.

        Raises:
            Misconfigured: there is none, or it is of another store.
        """
        for each in self.manifests:
            if each.id == id_:
                if store and each.store != store:
                    raise Misconfigured(f"{id_} is a backup of {each.store}, not of {store}")
                return each
        raise Misconfigured(f"there is no backup {id_!r}", remedy="choose one of `enginedge backup list`")

    def verified(self, manifest: Manifest) -> DrillReport | None:
        """The last drill that proved ``manifest``."""
        proofs = [each for each in self.drills_of(manifest.store) if each.manifest == manifest.id]
        return proofs[-1] if proofs else None


@dataclass(frozen=True)
class Catalogue:
    """The manifests and drill reports in one bucket."""

    store: ObjectStore
    pruner: ObjectStore
    bucket: str = BUCKET
    location: Location = Location.PRIMARY

    def add(self, manifest: Manifest) -> None:
        """Make the backup one: after this it is listed."""
        self._put(_key(manifest), manifest_as_json(manifest))

    def record(self, report: DrillReport) -> None:
        """Write down that a backup was restored and found equal."""
        moment = f"{report.drilled_at:%Y%m%dT%H%M%S.%fZ}"
        self._put(f"{DRILLS}/{report.store}/{report.manifest}/{moment}.json", _plain(asdict(report)))

    def read(self, store: str = "") -> Found:
        """Everything that is known, or what is known of one store; each object's signature is checked."""
        secret = settings().secret(SIGNING_KEY)
        with self.store.client() as client, ThreadPoolExecutor(AT_ONCE) as pool:
            prefixes = [f"{kind}/{store}/" if store else f"{kind}/" for kind in (MANIFESTS, DRILLS)]
            keys = [key for prefix in prefixes for key in self._keys(client, prefix)]
            bodies = dict(zip(keys, pool.map(lambda key: self._get(client, key, secret), keys), strict=True))
        trusted: dict[str, Any] = {key: body for key, body in bodies.items() if body is not None}
        manifests = [manifest_of(body) for key, body in trusted.items() if key.startswith(MANIFESTS)]
        drills = [_drill_of(body) for key, body in trusted.items() if key.startswith(DRILLS)]
        return Found(
            tuple(sorted(manifests, key=lambda each: (each.store, *each.order))),
            tuple(sorted(drills, key=lambda each: each.drilled_at)),
            tuple(key for key, body in bodies.items() if body is None),
        )

    def remove(self, manifest: Manifest) -> None:
        """Make the backup none; the bucket keeps the version for as long as it is locked."""
        with self.pruner.client() as client:
            client.delete_object(Bucket=self.bucket, Key=_key(manifest))

    def keep_locked(self, days: int) -> int:
        """Lock what is still in use for at least ``days`` more days, and return how many objects that were.

        What a new backup shares with an old one was locked when the old one was taken. What is not in use any more is
        out of sight, and its lock ends.
        """
        until = datetime.now(UTC) + timedelta(days=days)

        def keep(key: str) -> bool:
            asked = client.get_object_retention(Bucket=self.bucket, Key=key)
            locked = asked["Retention"]["RetainUntilDate"]
            if locked < until:
                longer: ObjectLockRetentionTypeDef = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
                client.put_object_retention(Bucket=self.bucket, Key=key, Retention=longer)
            return locked < until

        with self.store.client() as client, ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(pool.map(keep, [key for key in self._keys(client, "") if not key.startswith(NOT_KEPT)]))

    def _put(self, key: str, body: Mapping[str, Any]) -> None:
        with self.store.client() as client:
            client.put_object(Bucket=self.bucket, Key=key, Body=self._signed(key, body), ContentType="application/json")

    def _keys(self, client: S3Client, prefix: str) -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def _get(self, client: S3Client, key: str, secret: str) -> dict[str, Any] | None:
        """The body of a signed object; none where the signature is not by ``secret`` or not of this very key."""
        raw = client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        try:
            found = json.loads(raw)
            body: dict[str, Any] = found["body"]
            return body if hmac.compare_digest(str(found["signature"]), self._signature(key, body, secret)) else None
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def _signature(self, key: str, body: Mapping[str, Any], secret: str) -> str:
        """Of the content and of the place, so that one backup's manifest, or one location's, cannot stand in for
        another's."""
        place = key if self.location is Location.PRIMARY else f"{self.location}:{key}"
        said = json.dumps([place, body], sort_keys=True, separators=(",", ":")).encode()
        return hmac.new(secret.encode(), said, sha256).hexdigest()

    def _signed(self, key: str, body: Mapping[str, Any]) -> bytes:
        signature = self._signature(key, body, settings().secret(SIGNING_KEY))
        return json.dumps({"body": body, "signature": signature}, indent=1, sort_keys=True).encode()


def refuse_damaged(found: Found) -> None:
    """Return when everything in the catalogue can be trusted.

    Raises:
        Violated: names what was altered.
    """
    if found.damaged:
        raise Violated(
            f"{', '.join(found.damaged)} is not what we wrote",
            where="the backup catalogue",
            untouched="the other backups",
            remedy="find out who changed it, and put back its older version",
        )


def catalogue(location: Location = Location.PRIMARY) -> Catalogue:
    """The catalogue at ``location``."""
    place = PLACES[location]
    return Catalogue(place.store(), place.pruned(), location=location)


def copied() -> Found | None:
    """What the second place holds; None where it does not answer."""
    try:
        return catalogue(Location.OFFSITE).read()
    except EnginEdgeError:
        return None


def manifest_as_json(manifest: Manifest) -> dict[str, Any]:
    """The manifest as plain values, as it is written."""
    told = {name: getattr(manifest, name) for name in ("id", "store", "duration_s", "number", "safety")}
    amounts = {"bytes_in": manifest.bytes_in, "bytes_stored": manifest.bytes_stored}
    return _plain({**told, **amounts, **asdict(manifest.dumped)})


def manifest_of(body: Mapping[str, Any]) -> Manifest:
    """The manifest that :func:`manifest_as_json` made ``body`` of."""
    dumped = Dumped(
        taken_at=datetime.fromisoformat(body["taken_at"]),
        fingerprint=Fingerprint(body["fingerprint"]["parts"], body["fingerprint"]["at_least"]),
        objects=tuple(Snapshot(**each) for each in body["objects"]),
        tool_versions=body["tool_versions"],
        consistency=body["consistency"],
        pointed=_pointed_of(body["pointed"]) if body.get("pointed") else None,
    )
    number, safety = body.get("number", 0), body.get("safety", False)
    return Manifest(body["id"], body["store"], dumped, body["duration_s"], number, safety)


def _pointed_of(body: Mapping[str, Any]) -> Pointed:
    return Pointed(**{**body, "at": datetime.fromisoformat(body["at"])})


def _drill_of(body: Mapping[str, Any]) -> DrillReport:
    return DrillReport(**{**body, "drilled_at": datetime.fromisoformat(body["drilled_at"])})


def _key(manifest: Manifest) -> str:
    return f"{MANIFESTS}/{manifest.store}/{manifest.id}.json"


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(value, default=datetime.isoformat))
    return plain
