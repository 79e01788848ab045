"""The stores that the inventory declares, each with its source and with the scratch that its drills restore into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from enginedge.backup.object_store import object_store
from enginedge.backup.shapes import BackupSource
from enginedge.backup.tools import told
from enginedge.errors import Misconfigured
from enginedge.platform import Service, load_platform
from enginedge.settings import settings


@dataclass(frozen=True)
class Store:
    """One store: how it is dumped and restored, an empty copy of it, and where the real one is."""

    name: str
    source: BackupSource[Any]
    scratch: Callable[[], AbstractContextManager[Any]]


def declared_stores(names: Sequence[str] = ()) -> list[Store]:
    """The stores called ``names``, or all that the inventory backs up, in its order.

    Raises:
        Misconfigured: the inventory backs up no store of that name, or has something that no source can dump.
    """
    services = {each.name: each for each in _platform().services if each.backup}
    for name in names:
        if name not in services:
            near = get_close_matches(name, services) or list(services)
            raise Misconfigured(
                f"no store {name!r} is backed up", where="deploy/platform.yaml", remedy=f"one of {', '.join(near)}"
            )
    return [_store(service) for name, service in services.items() if not names or name in names]


def store_names() -> list[str]:
    """Every store that the inventory backs up."""
    return [each.name for each in _platform().services if each.backup]


def _platform() -> Any:
    return load_platform(settings().root / "deploy" / "platform.yaml")


def _store(service: Service) -> Store:
    kinds = {service.name if thing.how in ("dump", "snapshot") else thing.how for thing in service.backup}
    if len(kinds) != 1 or not kinds <= KINDS.keys():
        raise Misconfigured(
            f"{service.name} cannot be backed up by {' and '.join(sorted(kinds))}", where="deploy/platform.yaml"
        )
    return KINDS[kinds.pop()](service)


def _postgres(service: Service) -> Store:
    from enginedge.backup.scratch.postgres import scratch_postgres
    from enginedge.backup.sources.postgres import Postgres, Server

    at = settings().endpoint(service.name)
    login = told("pgpass", f"{at.host}:{at.port}:*:admin:{settings().secret('postgres-admin')}\n")
    return Store(service.name, Postgres(Server(at.host, at.port, "admin", login)), scratch_postgres)


def _mongodb(service: Service) -> Store:
    from enginedge.backup.scratch.mongodb import scratch_mongodb
    from enginedge.backup.sources.mongodb import MongoDB, Server

    at = settings().endpoint(service.name)
    login = told("mongodb.yaml", f"password: {settings().secret('mongodb-backup')}\n")
    return Store(service.name, MongoDB(Server(at.host, at.port, "backup", login)), scratch_mongodb)


def _etcd(service: Service) -> Store:
    from enginedge.backup.scratch.etcd import scratch_etcd
    from enginedge.backup.sources.etcd import Client, Etcd

    password = settings().secret_path("etcd-root")
    return Store(
        service.name, Etcd(Client(settings().endpoint(service.name).url, password)), lambda: scratch_etcd(password)
    )


def _buckets(service: Service) -> Store:
    from enginedge.backup.scratch.minio import scratch_minio
    from enginedge.backup.sources.buckets import Buckets

    names = [thing.what for thing in service.backup]
    return Store(service.name, Buckets(object_store("backup"), names), lambda: scratch_minio(names))


def _volume(service: Service) -> Store:
    from enginedge.backup.scratch.folder import scratch_volume
    from enginedge.backup.sources.volumes import Volume

    return Store(service.name, Volume(settings().state / "data" / service.name), scratch_volume)


KINDS: dict[str, Callable[[Service], Store]] = {
    "postgres": _postgres,
    "mongodb": _mongodb,
    "etcd": _etcd,
    "bucket": _buckets,
    "volume": _volume,
}
