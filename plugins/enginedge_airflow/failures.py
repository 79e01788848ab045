"""What a run says when something went wrong, and whom it tells."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from enginedge.errors import Violated
from enginedge.notify.channels import tell
from enginedge.notify.messages import Kind, Message

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


def tell_failed(context: Any) -> None:
    """Tell of the task of ``context``, which failed for good; that nobody can be told is logged, and hides nothing."""
    ti, error = context["ti"], context.get("exception")
    task = ti.task_id if (getattr(ti, "map_index", -1) or 0) < 0 else f"{ti.task_id} [{ti.map_index}]"
    reason = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error or "it was ended")
    tell(
        Message(
            Kind.FAILED,
            f"{ti.dag_id}.{task} failed",
            reason,
            {"run": ti.run_id, "log": str(getattr(ti, "log_url", ""))},
        )
    )


async def say_late(context: Any = None, **_: Any) -> None:
    """The deadline's word, from the triggerer: the run goes on, but somebody should look."""
    run, deadline = ((context or {}).get(part) or {} for part in ("dag_run", "deadline"))
    dag, id_ = run.get("dag_id", "a run"), run.get("dag_run_id", "")
    log.error("Late: %s %s has not finished by its deadline; it goes on", dag, id_)
    told = f"It has not ended by {deadline.get('deadline_time', 'its deadline')}, and goes on."
    await asyncio.to_thread(tell, Message(Kind.LATE, f"{dag} is late", told, {"run": id_}))
