"""Runs the relay: ``python -m enginedge.lineage.server``. One process, on loopback, for as long as it is let."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from enginedge.lineage.application import application
from enginedge.lineage.database import Database, conninfo
from enginedge.lineage.forward import Forwarder
from enginedge.lineage.here import names_here
from enginedge.lineage.retention import Retention
from enginedge.lineage.spool import Spool
from enginedge.settings import settings

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    database, names = Database(conninfo()), names_here()
    forwarder = Forwarder(database, os.environ.get("MARQUEZ_URL", ""))
    spool = Spool(settings().spool, database, names, on_taken=forwarder.wake)

    retention = Retention(database, settings().lineage_kept_days, forwarding=bool(forwarder.url))
    endpoint = settings().endpoint("lineage")

    @contextmanager
    def running() -> Iterator[None]:
        with spool.running(), forwarder.running(), retention.running():
            yield
        database.close()

    app = application(
        database,
        names,
        wake_forwarder=forwarder.wake,
        state=lambda: {"spool": spool.state(), "marquez": forwarder.state(), "retention": retention.state()},
        running=running,
        hosts={endpoint.host},
    )
    uvicorn.run(app, host=endpoint.host, port=endpoint.port, log_level="warning", access_log=False, workers=1)


if __name__ == "__main__":
    main()
