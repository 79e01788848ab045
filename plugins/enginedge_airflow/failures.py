"""What a run says when something went wrong."""

from __future__ import annotations

import logging
from typing import Any

from enginedge.errors import Violated

log = logging.getLogger(__name__)


def failure_of_run(ti: Any) -> Violated | None:
    """What to raise at the end of the run of ``ti``: names the tasks that failed, and those not started for it."""
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    failed = sorted(task for task, state in states.items() if state == "failed" and task != ti.task_id)
    held = sorted(task for task, state in states.items() if state == "upstream_failed" and task != ti.task_id)
    if not failed and not held:
        return None
    return Violated(
        f"{', '.join(failed) or 'a task'} failed",
        where=f"{ti.dag_id} {ti.run_id}",
        untouched=", ".join(held),
        remedy="read the log of what failed, mend the cause, and clear the failed tasks or run the night again",
    )


async def say_late(context: Any = None, **_: Any) -> None:
    """The deadline's word, from the triggerer: the run goes on, but somebody should look."""
    run = (context or {}).get("dag_run") or {}
    log.error("Late: %s has not finished by its deadline; it goes on", run)
