"""What the application says to the process that submitted it: one line a step, machine-readable, on standard output."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MARK = "enginedge "
_one_at_a_time = threading.Lock()


def say(table: str, step: str, **facts: Any) -> None:
    """Print one progress line: ``enginedge {"table": …, "step": …, …}``."""
    line = json.dumps({"table": table, "step": step, **facts}, default=str, ensure_ascii=False)
    with _one_at_a_time:
        sys.stdout.write(f"{MARK}{line}\n")
        sys.stdout.flush()


@contextmanager
def step(table: str, name: str) -> Iterator[dict[str, Any]]:
    """Time a step and say it when it is done, with the facts that were put into the mapping meanwhile."""
    started = time.monotonic()
    facts: dict[str, Any] = {}
    yield facts
    say(table, name, seconds=round(time.monotonic() - started, 2), **facts)
