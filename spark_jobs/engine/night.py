"""A night: a UTC day, the run that works on it, and whether it rebuilds everything."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True)
class Night:
    """The UTC day ``day``, worked on by ``run``; ``full_refresh`` rebuilds core and quarantine from all of raw."""

    day: date
    run: str
    full_refresh: bool = False

    @property
    def end(self) -> datetime:
        """The first instant after the night."""
        return datetime.combine(self.day, time(), UTC) + timedelta(days=1)

    @property
    def label(self) -> str:
        """The day as ``YYYY-MM-DD``."""
        return self.day.isoformat()

    def branch(self) -> str:
        """A name that no other attempt has: ``night_<yyyymmdd>_<attempt>``."""
        attempt = hashlib.sha256(f"{self.run}\0{os.getpid()}".encode() + os.urandom(8)).hexdigest()[:10]
        return f"night_{self.day:%Y%m%d}_{attempt}"
