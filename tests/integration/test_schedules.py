"""On a new machine every DAG starts by itself when its time comes: nobody unpauses the nightly backup."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.installation import ROOT
from tests.integration.airflow_api import logged_in, until

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("running_stack")]


def test_no_dag_waits_to_be_unpaused() -> None:
    written = {path.stem for path in (ROOT / "dags").glob("*/*.py")}
    with closing(logged_in()) as airflow:

        def known() -> dict[str, bool]:
            dags = airflow.get("/api/v2/dags", params={"limit": 100, "exclude_stale": True}).json()["dags"]
            return {dag["dag_id"]: dag["is_paused"] for dag in dags}

        until(lambda: written <= known().keys())
        assert known() == dict.fromkeys(written, False)
