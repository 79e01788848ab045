"""The scheduler imports what tasks need before it forks them, and nobody else does."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from types import SimpleNamespace
from airflow.plugins_manager import AirflowPlugin
from enginedge_airflow.plugin import EnginEdgePlugin
from enginedge_airflow.preload import MODULES
for listener in EnginEdgePlugin.listeners:
    listener.on_starting(component=SimpleNamespace(job_type={job!r}))
print(all(module in sys.modules for module in MODULES), "enginedge.lake.night" in sys.modules)
"""


@pytest.mark.parametrize(("job", "said"), [("SchedulerJob", "True True"), ("TriggererJob", "False False")])
def test_only_the_schedulers_start_imports_what_tasks_need(job: str, said: str) -> None:
    program = PROGRAM.format(job=job)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert ended.stdout.strip().splitlines()[-1] == said
