"""What every task of ours needs, imported once by the scheduler.

Its local executor forks the workers from it, and each worker forks a process for each task: without this, every task
imports the same modules again, which takes longer than most of them work. Airflow calls this listener before the
executor starts.
"""

from __future__ import annotations

import importlib
from typing import Any

from airflow.listeners import hookimpl

SCHEDULER = "SchedulerJob"
MODULES = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.openlineage.plugins.macros",
    "airflow.providers.standard.operators.empty",
    "enginedge.lake.marts",
    "enginedge.lake.night",
    "enginedge.lineage.here",
    "enginedge_airflow.operators",
    "enginedge_airflow.reports",
)


@hookimpl
def on_starting(component: Any) -> None:
    """Import :data:`MODULES` where ``component`` is the scheduler's job; a task's own start comes by here too."""
    if getattr(component, "job_type", "") == SCHEDULER:
        for module in MODULES:
            importlib.import_module(module)
