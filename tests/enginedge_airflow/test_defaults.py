"""What is retried: a service that did not answer, and nothing else."""

from __future__ import annotations

import pytest
from airflow.sdk import RetryAction

from enginedge.errors import Misconfigured, Unavailable, Violated
from enginedge_airflow.defaults import ONLY_WHAT_MAY_HEAL


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (Unavailable("no answer"), RetryAction.RETRY),
        (Misconfigured("wrong"), RetryAction.FAIL),
        (Violated("broken"), RetryAction.FAIL),
        (ValueError("a bug of ours"), RetryAction.FAIL),
    ],
)
def test_only_an_unavailable_service_is_tried_again(error: Exception, action: RetryAction) -> None:
    assert ONLY_WHAT_MAY_HEAL.evaluate(error, try_number=1, max_tries=3).action is action


def test_the_policy_survives_the_way_to_the_worker() -> None:
    restored = type(ONLY_WHAT_MAY_HEAL).deserialize(ONLY_WHAT_MAY_HEAL.serialize())
    assert restored.evaluate(Unavailable("no answer"), 1, 3).action is RetryAction.RETRY
    assert restored.evaluate(Violated("broken"), 1, 3).action is RetryAction.FAIL
