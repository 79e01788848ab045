"""The stores that the inventory declares, each with its source and with the scratch that its drills restore into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from enginedge.backup import lake_tables, smoke
from enginedge.backup.catalogue import Found
from enginedge.backup.object_store import object_store
from enginedge.backup.parts.shapes import PartSource
from enginedge.backup.shapes import BackupSource, Dumped
from enginedge.backup.tools import told
from enginedge.errors import Misconfigured
from enginedge.platform import Service, load_platform
from enginedge.settings import settings


@dataclass(frozen=True)
class Store:
    """One store.

    Attributes:
        scratch: an empty copy of it for one drill.
        target: where a restore in earnest goes, for the folder that was named, or for none.
        answers: whether the target answers right after it was restored; etcd is started on its folder afterwards.
        home: the folder that its service runs on, where a restore fills a folder; what is there is then set aside,
            and else dumped before it is replaced.
        witness: adds to a dump what only others can tell of it; never fails.
        parts: how a part of it is restored.
        smoke: asks a restored scratch what its users would ask first, and returns the questions, all answered.
    """

    name: str
    source: BackupSource[Any]
    scratch: Callable[[], AbstractContextManager[Any]]
    target: Callable[[Path | None], Any]
    answers: bool = True
    home: Path | None = None
    witness: Callable[[Dumped], Dumped] = lambda dumped: dumped
    parts: PartSource[Any] | None = None
    smoke: Callable[[Any], list[str]] = lambda _: []


def declared_stores(names: Sequence[str] = ()) -> list[Store]:
    """The stores called ``names``, or all that the inventory backs up, in its order.

    Raises:
        Misconfigured: the inventory backs up no store of that name, or has something that no source can dump.
    """
    return [_store(each) for each in backed_up(names)]


def store_names(names: Sequence[str] = ()) -> list[str]:
    """The names of :func:`backed_up`."""
    return [each.name for each in backed_up(names)]


def backed_up(names: Sequence[str] = ()) -> list[Service]:
    """Every service that the inventory backs up, or those of them that are called ``names``, in its order.

    Raises:
        Misconfigured: the inventory backs up no store of that name.
    """
    services = load_platform(settings().root / "deploy" / "platform.yaml").services
    found = [each for each in services if each.backup]
    known = [each.name for each in found]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known) or known
            raise Misconfigured(
                f"no store {name!r} is backed up", where="deploy/platform.yaml", remedy=f"one of {', '.join(near)}"
            )
    return [each for each in found if not names or each.name in names]


def refuse_unknown(names: Sequence[str], found: Found) -> None:
    """Return when each of ``names`` is a store that is backed up, or that ``found`` still has a backup of.

    Raises:
        Misconfigured: one is neither.
    """
    backed_up([each for each in names if not found.of(each)])


def _store(service: Service) -> Store:
    kinds = {service.name if thing.how in ("dump", "snapshot") else thing.how for thing in service.backup}
    if len(kinds) != 1 or not kinds <= KINDS.keys():
        raise Misconfigured(
            f"{service.name} cannot be backed up by {' and '.join(sorted(kinds))}", where="deploy/platform.yaml"
        )
    return KINDS[kinds.pop()](service)


def _postgres(service: Service) -> Store:
    from enginedge.backup.parts.postgres import PostgresParts
    from enginedge.backup.scratch.postgres import scratch_postgres
    from enginedge.backup.sources.postgres import Postgres, Server

    at = settings().endpoint(service.name)
    login = told("pgpass", f"{at.host}:{at.port}:*:admin:{settings().secret('postgres-admin')}\n")
    server = Server(at.host, at.port, "admin", login)
    return Store(
        service.name,
        Postgres(server, names=lake_tables.named_tables),
        scratch_postgres,
        lambda folder: _in_place(server, folder),
        witness=lambda dumped: lake_tables.witness(dumped, object_store("backup")),
        parts=PostgresParts(),
        smoke=smoke.ask_postgres,
    )


def _mongodb(service: Service) -> Store:
    from enginedge.backup.parts.mongodb import MongoDBParts
    from enginedge.backup.scratch.mongodb import scratch_mongodb
    from enginedge.backup.sources.mongodb import MongoDB, Server

    at = settings().endpoint(service.name)

    def as_user(user: str) -> Server:
        login = told(f"mongodb-{user}.yaml", f"password: {settings().secret(f'mongodb-{user}')}\n")
        return Server(at.host, at.port, user, login)

    source = MongoDB(as_user("backup"))
    return Store(
        service.name,
        source,
        scratch_mongodb,
        lambda folder: _in_place(as_user("restore"), folder),
        parts=MongoDBParts(),
        smoke=smoke.ask_mongodb,
    )


def _etcd(service: Service) -> Store:
    from enginedge.backup.parts.etcd import EtcdParts
    from enginedge.backup.scratch.etcd import scratch_etcd
    from enginedge.backup.sources.etcd import Etcd, Member, ahead
    from enginedge.etcd import Client

    password = settings().secret_path("etcd-root")
    client, peer = (
        Client(settings().endpoint(service.name).url, password),
        settings().endpoint(service.name, "peer").url,
    )
    return Store(
        service.name,
        Etcd(client),
        lambda: scratch_etcd(password),
        lambda folder: Member(client, peer, folder or home_of(service), lambda: None, ahead()),
        answers=False,
        home=home_of(service),
        parts=EtcdParts(),
        smoke=smoke.ask_etcd,
    )


def _buckets(service: Service) -> Store:
    from enginedge.backup.parts.buckets import BucketParts
    from enginedge.backup.scratch.minio import scratch_minio
    from enginedge.backup.sources.buckets import Buckets

    names = [thing.what for thing in service.backup]
    source = Buckets(object_store("backup"), names)
    return Store(
        service.name,
        source,
        lambda: scratch_minio(names),
        lambda folder: _in_place(object_store("root"), folder),
        parts=BucketParts(),
        smoke=smoke.ask_buckets,
    )


def _volume(service: Service) -> Store:
    from enginedge.backup.parts.volumes import VolumeParts
    from enginedge.backup.scratch.folder import scratch_volume
    from enginedge.backup.sources.volumes import Volume

    home = home_of(service)
    source, parts = Volume(home), VolumeParts()
    store = Store(service.name, source, scratch_volume, lambda folder: folder or home, home=home, parts=parts)
    return replace(store, smoke=smoke.ask_redis) if service.name == "redis" else store


def _in_place(server: Any, folder: Path | None) -> Any:
    """The running store itself."""
    if folder:
        raise Misconfigured("it is restored in place", where=server.where, remedy="leave --folder out")
    return server


def home_of(service: Service) -> Path:
    """The folder that the service runs on."""
    return settings().state / "data" / service.name


KINDS: dict[str, Callable[[Service], Store]] = {
    "postgres": _postgres,
    "mongodb": _mongodb,
    "etcd": _etcd,
    "bucket": _buckets,
    "volume": _volume,
}
