"""The last words of a night: whether its counts add up, and its summary in the log and in an XCom."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from enginedge.errors import EnginEdgeError
from enginedge_airflow.failures import failure_of_run

log = logging.getLogger(__name__)


def reconcile(request: Mapping[str, Any]) -> None:
    """Return when every count of the requested night adds up.

    Raises:
        Violated: names the table and the numbers that do not.
    """
    from enginedge.lake import night

    night.reconcile(request["night"], request["sources"])


def summarise(request: Mapping[str, Any] | None, ti: Any) -> None:
    """Print the summary of the requested night, keep it as the XCom ``summary``, and fail if a task of the run did.

    Where the request itself was refused there is no night to sum up, and only the failure is told.

    Raises:
        Violated: a task of this run failed; the message names it.
    """
    failure = failure_of_run(ti)
    try:
        if request is not None:
            _tell(request["night"], ti)
    except EnginEdgeError as error:
        if failure is None:
            raise
        log.error("The summary cannot be given: %s", error)
    if failure is not None:
        raise failure


def _tell(night_asked: str, ti: Any) -> None:
    from enginedge.lake import night

    summary = night.summary(night_asked)
    for line in str(summary).splitlines():
        log.info("%s", line)
    log.info("this run: %s", ti.log_url)
    ti.xcom_push("summary", summary.as_dict())
