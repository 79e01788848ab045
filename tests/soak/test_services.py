"""Each service of the inventory is stopped by itself; the gate stops some of them, and several at once."""

from __future__ import annotations

import pytest

from tests.integration.test_bad_days import (
    ANSWERING,
    NEEDED_BY,
    assert_named_by_the_health_check,
    assert_named_by_the_night,
)

pytestmark = [pytest.mark.stack, pytest.mark.destructive]


@pytest.mark.parametrize("service", ANSWERING)
def test_a_service_that_no_night_needs_is_named_by_the_health_check(running_stack: None, service: str) -> None:
    assert_named_by_the_health_check(service)


@pytest.mark.parametrize("service", NEEDED_BY)
def test_a_service_that_a_night_needs_is_named_by_it(bad_night: str, service: str) -> None:
    assert_named_by_the_night(bad_night, service)
