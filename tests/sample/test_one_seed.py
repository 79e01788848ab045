"""One seed runs at a time; a second one is told whose turn it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from enginedge.errors import Unavailable
from enginedge.sample.writers import postgres
from tests.lineage.postgres import platform_server


def test_a_second_seed_ends_at_once_and_names_the_process_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with platform_server(tmp_path, monkeypatch, "platform"):
        named = pytest.raises(Unavailable, match=f"another seed is running: .*process {os.getpid()}")
        with postgres.connected(), named, postgres.connected():
            pass
        with postgres.connected():
            pass
