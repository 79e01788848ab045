"""``dag_parse_over_airflow_import``: what parsing every DAG costs a process that has imported Airflow already."""

from __future__ import annotations

from tests.benchmarks.measure import Figure, paired, seconds
from tests.benchmarks.stack import run

NAME = "dag_parse_over_airflow_import"
LEAST_RUNS = 5
IMPORT_AIRFLOW = "import airflow.sdk"
PARSE_EVERY_DAG = IMPORT_AIRFLOW + "; import runpy, glob; [runpy.run_path(f) for f in glob.glob('dags/*/*.py')]"


def measure(runs: int) -> Figure:
    """A process that imports Airflow and parses every DAG, over one that imports Airflow."""
    return paired(
        NAME,
        lambda: seconds(lambda: run("-c", PARSE_EVERY_DAG)),
        lambda: seconds(lambda: run("-c", IMPORT_AIRFLOW)),
        runs=max(runs, LEAST_RUNS),
        goal=1.3,
    )
