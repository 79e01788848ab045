"""The last words of a night: whether its counts add up, its summary in the log and in an XCom, what lineage lacks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from enginedge.errors import EnginEdgeError
from enginedge.lake.counts import Summary
from enginedge_airflow.failures import failure_of_run

log = logging.getLogger(__name__)


def reconcile(request: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of the requested night, once every count in it adds up.

    Raises:
        Violated: names the table and the numbers that do not.
    """
    from enginedge.lake import night

    return night.reconcile(request["night"], request["sources"]).as_dict()


def summarise(
    request: Mapping[str, Any] | None, reconciled: Mapping[str, Any] | None, ti: Any, began: datetime
) -> None:
    """Print the summary of the requested night, keep it as the XCom ``summary``, and fail if a task of the run did.

    It is what :func:`reconcile` returned; where that failed or never ran, it is what stands published.

    The last line says whether the lineage of what ran since ``began`` is complete; what it lacks fails nothing. Where
    the request itself was refused there is no night to sum up, and only the failure is told.

    Raises:
        Violated: a task of this run failed; the message names it.
    """
    failure = failure_of_run(ti)
    try:
        if request is not None:
            _tell(_summary(request["night"], reconciled), ti, began)
    except EnginEdgeError as error:
        if failure is None:
            raise
        log.error("The summary cannot be given: %s", error)
    if failure is not None:
        raise failure


def _summary(night_asked: str, reconciled: Mapping[str, Any] | None) -> Summary:
    from enginedge.lake import night

    return Summary.from_dict(reconciled) if reconciled else night.summary(night_asked)


def _tell(summary: Summary, ti: Any, began: datetime) -> None:
    from enginedge.lineage import here

    for line in str(summary).splitlines():
        log.info("%s", line)
    log.info("this run: %s", ti.log_url)
    lineage = here.last_words(began)
    log.info("%s", lineage)
    told = summary.as_dict()
    links = {**told["links"], "this run": ti.log_url}
    ti.xcom_push("summary", {**told, "links": links, "lineage": lineage})
