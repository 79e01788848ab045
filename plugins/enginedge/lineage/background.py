"""Work that the relay does beside answering, in a thread of its own, until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 30.0


@contextmanager
def in_the_background(
    name: str, work: Callable[[], None], stop: threading.Event, patience_s: float = PATIENCE_S
) -> Iterator[None]:
    """Have ``work`` run for as long as the context is open; it must end soon after ``stop`` is set."""
    stop.clear()
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=patience_s)
