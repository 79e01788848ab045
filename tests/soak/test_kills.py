"""Every process of the stack is killed again and again, in any order; the gate kills each of them once."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from deploy.local.layout import local
from deploy.local.services import SERVICES
from deploy.local.supervisor import PROBER
from tests.local.test_kills import kill_and_bring_up

ROUNDS, KILL_SEED = 3, 11


@pytest.mark.stack
@pytest.mark.destructive
@pytest.mark.timeout(3600)
def test_processes_that_are_killed_again_and_again_in_any_order_come_back(
    running_stack: None, record_property: Callable[[str, object], None]
) -> None:
    victims = [*SERVICES, PROBER] * ROUNDS
    random.Random(KILL_SEED).shuffle(victims)
    for name in victims:
        kill_and_bring_up(local(), name)
    record_property("seed", KILL_SEED)
    record_property("kills", len(victims))
