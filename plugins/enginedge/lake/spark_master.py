"""Whether a Spark application can run at all: asked before it is submitted, and while it runs."""

from __future__ import annotations

import socket

import httpx

from enginedge.errors import Misconfigured, Unavailable
from enginedge.lake import store
from enginedge.plain_http import NO_AUTHORITIES
from enginedge.settings import settings

ANSWER_S = 3.0
NEEDS = {
    "mongodb": ("mongodb",),
    "postgres": ("postgres",),
    "kafka": ("kafka",),
    "bucket": ("minio",),
    "airflow": ("postgres",),
}
ALWAYS = ("spark-master", "metastore", "minio")


def check(source: str) -> None:
    """Return when everything that the night of ``source`` needs answers.

    Raises:
        Misconfigured: there is no such source, or the lake's bucket refuses us.
        Unavailable: names the service that does not answer, or is full.
    """
    if source not in NEEDS:
        raise Misconfigured(f"there is no source {source!r}", remedy=f"use one of {', '.join(NEEDS)}")
    for service in (*ALWAYS, *NEEDS[source]):
        reach(service)
    store.check_writable()
    failed = failure()
    if failed:
        raise failed


def reach(service: str) -> None:
    """Return when somebody listens on the port of ``service``.

    Raises:
        Unavailable: names the service.
    """
    endpoint = settings().endpoint(service)
    try:
        socket.create_connection((endpoint.host, endpoint.port), timeout=ANSWER_S).close()
    except OSError as error:
        raise silent(service, str(error)) from None


def failure() -> Unavailable | None:
    """What is wrong with the cluster now: no master, or no worker that is alive."""
    page = settings().endpoint("spark-master", "ui")
    try:
        state = httpx.get(f"{page.url}/json/", timeout=ANSWER_S, verify=NO_AUTHORITIES).json()
    except (httpx.HTTPError, ValueError) as error:
        return silent("spark-master", str(error))
    return None if state.get("aliveworkers") else silent("spark-worker", "the master has no worker that is alive")


def silent(service: str, said: str) -> Unavailable:
    """The failure of a service that does not answer."""
    return Unavailable(
        f"{service} does not answer: {said}",
        where=f"{service} at {settings().endpoint(service)}",
        untouched="every table",
        remedy=f"look at `make status` and `make logs S={service}`, then run the night again",
    )
