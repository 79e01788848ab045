"""The watch over the backups, which needs nothing of Airflow."""

from __future__ import annotations

from deploy.local.layout import Local
from deploy.local.services.process import Launch


def prepare(local: Local) -> Launch:
    """It finds the catalogues, its port and whom to tell by the settings."""
    return Launch([f"{local.tools['venv']}/bin/python", "-m", "enginedge.backup.watch"])
