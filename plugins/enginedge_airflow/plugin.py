"""The Airflow plugin, found by its entry point ``airflow.plugins``: links from a task to where its work is seen."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class EnginEdgePlugin(AirflowPlugin):
    """Everything that EnginEdge adds to Airflow's own pages."""

    name = "enginedge"
