"""The last words of a night: whether its counts add up, and its summary in the log and in an XCom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from enginedge_airflow.failures import raise_for_failed_tasks


def reconcile(request: Mapping[str, Any]) -> None:
    """Return when every count of the requested night adds up.

    Raises:
        Violated: names the table and the numbers that do not.
    """
    from enginedge.lake import night

    night.reconcile(request["night"])


def summarise(request: Mapping[str, Any] | None, ti: Any) -> None:
    """Print the summary of the requested night, keep it as the XCom ``summary``, and fail if a task of the run did.

    Where the request itself was refused there is no night to sum up, and only the failure is told.

    Raises:
        Violated: a task of this run failed; the message names it.
    """
    if request is not None:
        from enginedge.lake import night

        summary = night.summary(request["night"])
        print(summary)  # noqa: T201 - the task's log is where it is read
        ti.xcom_push("summary", asdict(summary))
    raise_for_failed_tasks(ti)
