"""``stack_peak_pss_gib``: the memory of the whole stack while a night runs, as the sum of PSS sampled each second."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.measure import Figure, figure

NAME = "stack_peak_pss_gib"
EVERY_S = 1.0


def figure_of(peaks: list[float]) -> Figure:
    """The figure of what :func:`peak` has found."""
    return figure(NAME, peaks, goal=10.0, unit="GiB")


@contextmanager
def peak(into: list[float]) -> Iterator[None]:
    """Append the largest sum of PSS (GiB) that the whole stack reached meanwhile."""
    from deploy.local.layout import local
    from deploy.local.status import memory_bytes

    done, here, largest = threading.Event(), local(), 0.0

    def sample() -> None:
        nonlocal largest
        while not done.wait(EVERY_S):
            largest = max(largest, memory_bytes(here) / 2**30)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        done.set()
        sampler.join()
        into.append(largest)
