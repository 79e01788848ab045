"""An empty folder for one drill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enginedge.backup.scratch.place import scratch_folder


@contextmanager
def scratch_volume() -> Iterator[Path]:
    """A folder that is not there yet, and will be gone afterwards."""
    with scratch_folder("volume") as folder:
        yield folder / "volume"
