"""An Airflow of the tests' own: imported before Airflow is, it points it at an empty home and nobody's database."""

from __future__ import annotations

import os
from pathlib import Path

from tests.installation import ROOT

HOME = Path(os.environ.get("ENGINEDGE_STATE", ROOT / ".state" / "test")) / "airflow-home"
HOME.mkdir(parents=True, exist_ok=True)
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME / 'airflow.db'}",
    AIRFLOW__CORE__LOAD_EXAMPLES="false",
    AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
    AIRFLOW__CORE__UNIT_TEST_MODE="false",
)
