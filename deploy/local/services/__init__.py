"""How each service of the inventory is run on one machine; one module a service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.layout import Local
from deploy.local.services import (
    airflow,
    backup_watch,
    etcd,
    jupyter,
    kafka,
    lineage,
    metastore,
    minio,
    mongodb,
    offsite,
    postgres,
    redis,
    spark,
    trino,
)
from deploy.local.services.process import Launch, clean_environment

__all__ = ["SERVICES", "Launch", "LocalService", "clean_environment"]


def _nothing(_: Local) -> None:
    """Most services need no more than to be started."""


def _always(_: Local) -> bool:
    return True


@dataclass(frozen=True)
class LocalService:
    """How one service is run here.

    Attributes:
        prepare: write what it reads and make what it must find, then say which command it is; run before each start.
        set_up: users, buckets, roles: what can only be made once it answers; run after each ``make up``.
    """

    prepare: Callable[[Local], Launch]
    set_up: Callable[[Local], None] = _nothing
    is_built: Callable[[Local], bool] = _always


SERVICES: dict[str, LocalService] = {
    "postgres": LocalService(postgres.prepare, postgres.set_up),
    "minio": LocalService(minio.prepare, minio.set_up),
    "mongodb": LocalService(mongodb.prepare, mongodb.set_up),
    "kafka": LocalService(kafka.prepare),
    "metastore": LocalService(metastore.prepare),
    "trino": LocalService(trino.prepare),
    "spark-master": LocalService(spark.prepare_master),
    "spark-worker": LocalService(spark.prepare_worker),
    "redis": LocalService(redis.prepare),
    "etcd": LocalService(etcd.prepare, etcd.set_up),
    "offsite": LocalService(offsite.prepare, offsite.set_up, is_built=offsite.is_here),
    "lineage": LocalService(lineage.prepare, is_built=lineage.is_built),
    "airflow-api": LocalService(airflow.prepare_api),
    "airflow-scheduler": LocalService(airflow.prepare_scheduler),
    "airflow-dag-processor": LocalService(airflow.prepare_dag_processor),
    "airflow-triggerer": LocalService(airflow.prepare_triggerer),
    "jupyter": LocalService(jupyter.prepare, is_built=jupyter.is_built),
    "backup-watch": LocalService(backup_watch.prepare),
}
