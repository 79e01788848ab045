"""What the verbs of ``enginedge lake lineage`` find, once the relay has read what was spooled."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.installation import enginedge

SPOOL_IS_READ_WITHIN_S = 40


def asked(verb: str, since: float) -> tuple[int, dict[str, Any]]:
    """How the verb ended, and what it found of all that happened from ``since`` on."""
    hours = (time.time() - since) / 3600
    ended = enginedge("lake", "lineage", verb, "--hours", str(hours), "--json", check=False)
    return ended.returncode, json.loads(ended.stdout)


def in_time(verb: str, since: float, is_so: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
    """What the verb found once it ``is_so``: the relay reads the spool a moment after it is written."""
    until = time.monotonic() + SPOOL_IS_READ_WITHIN_S
    while True:
        status, found = asked(verb, since)
        if is_so(status, found) or time.monotonic() > until:
            assert is_so(status, found), found
            return found
        time.sleep(2)
