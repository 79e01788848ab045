"""The lineage relay: one endpoint for Airflow's, Spark's and Trino's events."""

from __future__ import annotations

import os
from importlib.util import find_spec

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.private_files import private_folder

MODULE = "enginedge.lineage.server"


def prepare(local: Local) -> Launch:
    """It finds its database, its spool and its port by the settings."""
    private_folder(local.settings.spool)
    return Launch([f"{local.tools['venv']}/bin/python", "-m", MODULE], marquez())


def marquez() -> dict[str, str]:
    """Where events are forwarded to, where whoever ran `make up` said so: for the relay's environment alone."""
    return {name: os.environ[name] for name in ("MARQUEZ_URL",) if name in os.environ}


def is_built(_: Local) -> bool:
    return find_spec(MODULE) is not None
