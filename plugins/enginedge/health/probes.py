"""One question a kind of service that only a service at work can answer; each raises :class:`Unavailable` with the
reason.

A probe's clients are imported when it first asks: whoever asks about Redis need not load Kafka's library.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from enginedge.errors import EnginEdgeError, Unavailable
from enginedge.logins import kafka_login, postgres_login
from enginedge.plain_http import NO_AUTHORITIES
from enginedge.platform import Service
from enginedge.platform.model import Probe
from enginedge.settings import settings
from enginedge.trino import SCAN, SCANNED

if TYPE_CHECKING:
    import httpx


def ask(service: Service) -> None:
    """Ask ``service`` for the work that proves it ready.

    Raises:
        Unavailable: it did not do it in time; says why.
        Misconfigured: the secret that opens it is missing.
    """
    try:
        PROBES[service.readiness.probe](service)
    except EnginEdgeError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise Unavailable(
            reason, where=service.name, remedy=f"look at `make status` and `make logs S={service.name}`"
        ) from error


def _postgres(service: Service) -> None:
    import psycopg

    login = {**postgres_login("postgres", "admin"), "connect_timeout": service.readiness.timeout_s}
    with psycopg.connect(**login) as connection:
        connection.execute("select count(*) from pg_database").fetchone()


def _object_store(service: Service) -> None:
    """Puts, gets and removes an object."""
    import io

    import urllib3
    from minio import Minio

    patience = urllib3.PoolManager(timeout=float(service.readiness.timeout_s), retries=False)
    store = Minio(
        endpoint=str(settings().endpoint(service.name)),
        access_key="health",
        secret_key=settings().secret(f"{service.name}-health"),
        secure=False,
        http_client=patience,
    )
    bucket, name, body = "health", "probe", b"written to be read"
    try:
        store.put_object(bucket_name=bucket, object_name=name, data=io.BytesIO(body), length=len(body))
        answer = store.get_object(bucket_name=bucket, object_name=name)
        read = answer.read()
        answer.close()
        store.remove_object(bucket_name=bucket, object_name=name)
    finally:
        patience.clear()
    if read != body:
        raise Unavailable("it returned other bytes than were put", where=service.name)


def _metastore(service: Service) -> None:
    """Asks for the databases, in Thrift's binary protocol (strict form, unframed): one call with no arguments."""
    method = b"get_all_databases"
    call = struct.pack(">II", 0x80010001, len(method)) + method + struct.pack(">IB", 1, 0)
    at = settings().endpoint(service.name)
    with socket.create_connection((at.host, at.port), timeout=service.readiness.timeout_s) as connection:
        connection.sendall(call)
        head = connection.recv(8, socket.MSG_WAITALL)
        name = connection.recv(len(method), socket.MSG_WAITALL)
        rest = connection.recv(7, socket.MSG_WAITALL)
    # 0x80010002 is a reply (…3 an exception); then its sequence number; then field 0, the list that was asked for.
    if head[:4] != b"\x80\x01\x00\x02" or name != method or rest[4:] != b"\x0f\x00\x00":
        raise Unavailable("it did not list its databases", where=service.name, remedy="run `make logs S=metastore`")


def _trino(service: Service) -> None:
    """Scans a table: Trino calls itself started some seconds before it can."""
    import httpx

    url = settings().endpoint(service.name).url
    headers = {"X-Trino-User": "health", "X-Trino-Source": "health"}
    with httpx.Client(headers=headers, timeout=service.readiness.timeout_s, verify=NO_AUTHORITIES) as client:
        answer = client.post(f"{url}/v1/statement", content=SCAN).raise_for_status()
        said, rows = answer.json(), []
        while "nextUri" in said:
            said = client.get(said["nextUri"]).raise_for_status().json()
            rows += said.get("data", [])
    if rows != SCANNED:
        reason = said.get("error", {}).get("message", f"it counted {rows}")
        raise Unavailable(f"a table scan failed: {reason}", where=service.name)


def _spark_master(service: Service) -> None:
    status = _spark_status(service)["status"]
    if status != "ALIVE":
        raise Unavailable(f"it is {status}", where=service.name)


def _spark_worker(service: Service) -> None:
    """The master has this worker alive, and the worker itself answers."""
    page = settings().endpoint(service.name, "ui")
    own = _get(f"{page.url}/json/", service).json()
    known = _spark_status(service, "spark-master")["workers"]
    if not any(each["id"] == own["id"] and each["state"] == "ALIVE" for each in known):
        raise Unavailable("the master does not have it as an alive worker", where=service.name)


def _spark_status(service: Service, name: str = "") -> dict[str, Any]:
    url = settings().endpoint(name or service.name, "ui").url
    found: dict[str, Any] = _get(f"{url}/json/", service).json()
    return found


def _kafka(service: Service) -> None:
    """Lists the topics as a client that has a password."""
    from confluent_kafka.admin import AdminClient

    client = AdminClient({**kafka_login("admin"), "socket.timeout.ms": service.readiness.timeout_s * 1000})
    if not client.list_topics(timeout=service.readiness.timeout_s).brokers:
        raise Unavailable("it has no broker", where=service.name)


def _mongodb(service: Service) -> None:
    """Writes a note into the oplog and waits for the majority: it leaves no document behind, in no database."""
    from pymongo import MongoClient

    at, patience = settings().endpoint(service.name), service.readiness.timeout_s * 1000
    login: dict[str, Any] = {"username": "root", "password": settings().secret("mongodb-root")}
    client: MongoClient[dict[str, Any]] = MongoClient(
        at.host, at.port, directConnection=True, serverSelectionTimeoutMS=patience, **login
    )
    with client:
        majority = {"w": "majority", "wtimeout": patience}
        client.admin.command("appendOplogNote", 1, data={"health": "probe"}, writeConcern=majority)


def _redis(service: Service) -> None:
    from redis import Redis

    at, patience = settings().endpoint(service.name), service.readiness.timeout_s
    with Redis(at.host, at.port, password=settings().secret("redis"), socket_timeout=patience) as client:
        client.set("health:probe", "1", ex=60)


def _etcd(service: Service) -> None:
    """Logs in and reads through consensus, by the JSON gateway."""
    import httpx

    url, patience = settings().endpoint(service.name).url, service.readiness.timeout_s
    with httpx.Client(base_url=url, timeout=patience, verify=NO_AUTHORITIES) as client:
        login = {"name": "root", "password": settings().secret("etcd-root")}
        token = client.post("/v3/auth/authenticate", json=login).raise_for_status().json()["token"]
        question = {"key": "cHJvYmU="}
        client.post("/v3/kv/range", json=question, headers={"Authorization": token}).raise_for_status()


def _airflow(service: Service) -> None:
    """Airflow's own account of the component that the inventory names."""
    component = _airflow_component(service)
    if component.get("status") != "healthy":
        raise Unavailable(f"Airflow says {component.get('status')!r} of {service.readiness.asks}", where=service.name)


def _airflow_component(service: Service) -> dict[str, str | None]:
    url = settings().endpoint("airflow-api").url
    found: dict[str, str | None] = _get(f"{url}/api/v2/monitor/health", service).json().get(service.readiness.asks, {})
    return found


def last_heartbeat(service: Service) -> datetime | None:
    """When a service that is known by its heartbeats last gave one; none for those that do their work when asked.

    Such a one still counts as ready for a while after it was killed: whoever started it anew compares this with the
    start.
    """
    if service.readiness.probe is not Probe.AIRFLOW:
        return None
    beat = _airflow_component(service).get(f"latest_{service.readiness.asks}_heartbeat")
    return datetime.fromisoformat(beat) if beat else None


def _http(service: Service) -> None:
    _get(f"{settings().endpoint(service.name).url}{service.readiness.asks}", service)


def _get(url: str, service: Service) -> httpx.Response:
    import httpx

    return httpx.get(url, timeout=service.readiness.timeout_s, verify=NO_AUTHORITIES).raise_for_status()


PROBES: dict[Probe, Callable[[Service], None]] = {
    Probe.POSTGRES: _postgres,
    Probe.OBJECT_STORE: _object_store,
    Probe.METASTORE: _metastore,
    Probe.TRINO: _trino,
    Probe.SPARK_MASTER: _spark_master,
    Probe.SPARK_WORKER: _spark_worker,
    Probe.KAFKA: _kafka,
    Probe.MONGODB: _mongodb,
    Probe.REDIS: _redis,
    Probe.ETCD: _etcd,
    Probe.AIRFLOW: _airflow,
    Probe.HTTP: _http,
}
