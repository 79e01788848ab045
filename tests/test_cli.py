"""The command line is there at once: each verb starts a process of its own, and a night has dozens of them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("airflow", "boto3", "confluent_kafka", "fastapi", "minio", "openlineage", "pandas", "pymongo", "pyspark")


def test_it_starts_without_a_server_or_a_client() -> None:
    script = f"import sys, enginedge.cli; print(*(name for name in {HEAVY} if name in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).split() == []
