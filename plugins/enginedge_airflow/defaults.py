"""What every task of every DAG starts from, so that a DAG only says where it differs.

Retries are for what may heal by itself. Whether a failure may is known to the error that the library raised, so that
Airflow's retry policy asks for its class: ``Unavailable`` is tried again, everything else fails at once. A worker that
died is tried again too; no policy is asked about that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from enginedge_airflow.failures import say_late, tell_failed

OWNER = "data-platform"
ONLY_WHAT_MAY_HEAL = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="enginedge.errors.Unavailable",
            action=RetryAction.RETRY,
            reason="A service did not answer: it may have come back.",
        )
    ],
    default=RetryAction.FAIL,
)


def task_defaults(timeout: timedelta) -> dict[str, Any]:
    """The ``default_args`` of a DAG none of whose tasks may take longer than ``timeout``."""
    return {
        "owner": OWNER,
        "retries": 3,
        "retry_delay": timedelta(seconds=15),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=5),
        "retry_policy": ONLY_WHAT_MAY_HEAL,
        "execution_timeout": timeout,
        "on_failure_callback": tell_failed,
    }


def late_after(interval: timedelta) -> DeadlineAlert:
    """A scheduled run should be done ``interval`` after it was due; one that is not is told of, and goes on.

    It counts from the logical date, which a run by hand need not have: with a deadline that counts from the queue,
    Airflow 3.3 refuses to clear the tasks of a run (apache/airflow#70368).
    """
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE, interval=interval, callback=AsyncCallback(say_late)
    )
