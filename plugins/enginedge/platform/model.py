"""The shape of the inventory: frozen values that refuse what they do not know."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from enginedge.errors import Misconfigured

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1)]
Minutes = Annotated[int, Field(ge=1)]
Hours = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=1)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(StrEnum):
    """What a service is to the platform."""

    STORE = "store"
    ENGINE = "engine"
    ORCHESTRATION = "orchestration"
    LINEAGE = "lineage"
    NOTEBOOK = "notebook"
    WATCH = "watch"


class Probe(StrEnum):
    """How a service is asked whether it does real work; one function each in ``enginedge.health.probes``."""

    POSTGRES = "postgres"
    OBJECT_STORE = "object-store"
    METASTORE = "metastore"
    TRINO = "trino"
    SPARK_MASTER = "spark-master"
    SPARK_WORKER = "spark-worker"
    KAFKA = "kafka"
    MONGODB = "mongodb"
    REDIS = "redis"
    ETCD = "etcd"
    AIRFLOW = "airflow"
    HTTP = "http"


class Method(StrEnum):
    """How a thing is backed up: a logical dump, a snapshot by the store itself, a bucket's objects, a volume's
    files."""

    DUMP = "dump"
    SNAPSHOT = "snapshot"
    BUCKET = "bucket"
    VOLUME = "volume"


class Readiness(_Value):
    """The work that proves a service ready, and how patient the asker is."""

    probe: Probe
    asks: str = Field(default="", description="What the probe asks for: a component, a path; the probe says which.")
    every_s: Seconds = Field(default=15, description="Seconds between two questions once the service runs.")
    timeout_s: Seconds = Field(default=5, description="Seconds after which one question counts as not answered.")
    within_s: Seconds = Field(
        default=180, description="Seconds from start to Ready, on a machine that is busy with other work."
    )


class Backup(_Value):
    """One thing of a service that must survive the machine."""

    what: str = Field(description="A database, a bucket or a folder under the service's data.")
    how: Method


class Objectives(_Value):
    """What the backups of a service must keep to: what may be lost with it, and for how long it may be away."""

    rpo_hours: Hours = Field(description="The most hours that the newest backup may be old (recovery point objective).")
    rto_minutes: Minutes = Field(
        description="The most minutes that a restore may take, as drills measure it (recovery time objective)."
    )
    window_minutes: Minutes = Field(description="The minutes of a night that its backup has for itself.")
    verified_days: Days = Field(default=8, description="The most days since a drill last proved a backup of it.")
    offsite_hours: Hours = Field(default=30, description="The most hours that the newest off-site copy may be old.")


class Page(_Value):
    """The page that a person opens."""

    port: str = "main"
    path: str = "/"
    user: str = Field(default="", description="Who logs in, where the page asks for a name.")


class Service(_Value):
    """One service of the platform."""

    name: Name
    title: str
    kind: Kind
    ports: dict[Name, Port] = Field(default_factory=dict, description="Named ports; the first one is called main.")
    depends_on: tuple[Name, ...] = Field(default=(), description="Services that are Ready before this one is started.")
    needs: tuple[Name, ...] = Field(default=(), description="Services it works with, whichever of them starts first.")
    readiness: Readiness
    backup: tuple[Backup, ...] = ()
    objectives: Objectives | None = Field(default=None, description="Of its backups; wherever something is backed up.")
    page: Page | None = None
    secret: str | None = Field(default=None, description="The secret that opens it.")
    memory_mb: Annotated[int, Field(ge=1)] = Field(
        description="The most it may hold, in MiB of PSS, when it works hard."
    )

    def port(self, name: str = "main") -> int:
        """The number of the port called ``name``.

        Raises:
            Misconfigured: the service has no port of that name; names the ones it has.
        """
        if name in self.ports:
            return self.ports[name]
        raise Misconfigured(
            f"{self.name} has no port {name!r}",
            where="deploy/platform.yaml",
            remedy=f"use one of: {', '.join(self.ports) or 'none, it listens on nothing'}",
        )


class Platform(_Value):
    """All services, in the order in which they are written down."""

    services: tuple[Service, ...]

    def service(self, name: str) -> Service:
        """The service called ``name``.

        Raises:
            Misconfigured: there is none; names those that look alike.
        """
        for service in self.services:
            if service.name == name:
                return service
        known = [service.name for service in self.services]
        near = get_close_matches(name, known) or known
        raise Misconfigured(
            f"there is no service {name!r} in the inventory",
            where="deploy/platform.yaml",
            remedy=f"did you mean {' or '.join(near)}?",
        )

    def with_dependencies(self, names: Iterable[str]) -> tuple[Service, ...]:
        """The services called ``names`` and all that they depend on or need, in the order of the inventory."""
        wanted: set[str] = set()
        waiting = list(names)
        while waiting:
            service = self.service(waiting.pop())
            if service.name not in wanted:
                wanted.add(service.name)
                waiting += [*service.depends_on, *service.needs]
        return tuple(service for service in self.services if service.name in wanted)
