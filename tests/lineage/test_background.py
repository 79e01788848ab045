"""What runs beside the relay's answers ends with it."""

from __future__ import annotations

import threading

from enginedge.lineage.background import in_the_background


def test_the_work_runs_inside_the_context_and_no_longer_and_can_be_begun_again() -> None:
    stop, turns = threading.Event(), threading.Semaphore(0)

    def work() -> None:
        turns.release()
        stop.wait()

    for _ in range(2):
        with in_the_background("work", work, stop):
            assert turns.acquire(timeout=10)
            assert "work" in {each.name for each in threading.enumerate()}
        assert "work" not in {each.name for each in threading.enumerate()}
