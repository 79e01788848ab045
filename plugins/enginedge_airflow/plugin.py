"""The Airflow plugin, found by its entry point ``airflow.plugins``: the summaries of the nights in Airflow's own pages,
and what the scheduler imports for its tasks.

Every process of Airflow reads this file, the one that reads the DAGs among them: what only the pages need is imported
when the first page is asked for.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from enginedge_airflow import preload


async def nights(scope: Any, receive: Any, send: Any) -> None:
    """The pages of :mod:`enginedge_airflow.nights`, as an ASGI application."""
    from enginedge_airflow.nights import router

    await router(scope, receive, send)


class EnginEdgePlugin(AirflowPlugin):
    """Everything that EnginEdge adds to Airflow itself."""

    name = "enginedge"
    listeners = [preload]  # noqa: RUF012 - Airflow's own types
    fastapi_apps = [{"name": "nights", "app": nights, "url_prefix": "/nights"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        # Without a route of its own it opens beside Airflow, where its links work; Airflow's frames let none out.
        {"name": "Nights", "href": "nights/", "destination": "nav", "category": "browse"},
        {
            "name": "Summary",
            "href": "nights/run?dag_id={DAG_ID}&run_id={RUN_ID}",
            "destination": "dag_run",
            "url_route": "summary",
        },
    ]
