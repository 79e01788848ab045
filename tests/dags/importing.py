"""What importing DAG files costs: each engine or client that one of them loads, every parse of it pays for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = """
import json, runpy, sys
files, modules = map(json.loads, sys.argv[1:])
for file in files:
    runpy.run_path(file)
    print(json.dumps([name for name in modules if name in sys.modules]))
"""


def loaded(files: Sequence[Path], modules: Sequence[str]) -> dict[str, list[str]]:
    """Which of ``modules`` are loaded once each of ``files`` has been imported, all in one process, since starting
    Airflow is what takes long."""
    argv = [sys.executable, "-c", PROGRAM, json.dumps(list(map(str, files))), json.dumps(modules)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    return {file.stem: json.loads(line) for file, line in zip(files, said[-len(files) :], strict=True)}
