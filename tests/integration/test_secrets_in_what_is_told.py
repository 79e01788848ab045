"""No secret is in an XCom, a rendered template, a run's conf, an asset's event or a lineage event, stored or spooled.

Commands, environments and logs are scanned in ``tests/local/test_running_stack.py``.
"""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from enginedge.settings import settings
from tests.installation import secret_values
from tests.integration import airflow_api, told
from tests.integration.conftest import Lake

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    found = secret_values(settings().secrets)
    assert len(found) > 20
    assert min(map(len, found.values())) >= 16, "a shorter one would be found by chance"
    return found


@pytest.fixture(scope="module")
def run_of_airflow(lake_of_one_night: Lake) -> None:
    """A run that went well, so that each of Airflow's tables has something to tell; a night that is published already
    costs least.
    """
    with closing(airflow_api.logged_in()) as airflow:
        done = airflow.get(f"{airflow_api.DAG}/dagRuns", params={"state": "success", "limit": 1}).json()
        if done["total_entries"]:
            return
        run_id = f"tells__{int(time.time())}"
        airflow_api.trigger(airflow, run_id, {"night": lake_of_one_night.night, "sources": ["postgres"]})
        assert airflow_api.finished(airflow, run_id)["state"] == "success"


@pytest.mark.usefixtures("run_of_airflow")
@pytest.mark.parametrize("place", told.OF_AIRFLOW)
def test_airflow_keeps_no_secret_in_what_it_shows(place: str, secrets: dict[str, str]) -> None:
    with told.as_airflow() as connection:
        looked_at, found = told.leaks(told.rows(connection, told.OF_AIRFLOW[place]), secrets)
    assert looked_at
    assert found == []


@pytest.mark.usefixtures("lake_of_one_night")
def test_no_lineage_event_that_the_relay_stored_holds_a_secret(secrets: dict[str, str]) -> None:
    with told.as_lineage() as connection:
        looked_at, found = told.leaks(told.rows(connection, told.OF_LINEAGE["event"]), secrets)
        _, found_aside = told.leaks(told.rows(connection, told.OF_LINEAGE["rejected"]), secrets)
    assert looked_at
    assert found + found_aside == []


@pytest.mark.usefixtures("lake_of_one_night")
def test_no_lineage_event_in_the_spool_holds_a_secret(secrets: dict[str, str]) -> None:
    looked_at, found = told.leaks(told.lines(settings().spool), secrets)
    assert looked_at
    assert found == []


@pytest.mark.usefixtures("run_of_airflow")
def test_a_secret_in_an_xcom_would_be_found(secrets: dict[str, str]) -> None:
    with told.as_airflow() as connection:
        planted = connection.execute(
            """update xcom set value = jsonb_build_object('password', %s::text)
               where ctid = (select ctid from xcom limit 1) returning concat_ws(' ', dag_id, run_id, task_id, key)""",
            [secrets["postgres-lake"]],
        ).fetchone()
        assert planted is not None
        _, found = told.leaks(told.rows(connection, told.OF_AIRFLOW["xcom"]), secrets)
        connection.rollback()
    assert found == [(planted[0], "postgres-lake")]


@pytest.mark.usefixtures("lake_of_one_night")
def test_a_secret_in_an_event_would_be_found(secrets: dict[str, str]) -> None:
    with told.as_lineage() as connection:
        planted = connection.execute(
            """insert into event (kind, event_time, event_type, origin, body)
               values ('run', now(), 'START', 'test', jsonb_build_object('url', %s::text))
               returning concat('event ', id)""",
            [f"s3://lake:{secrets['minio-lake']}@127.0.0.1/raw"],
        ).fetchone()
        assert planted is not None
        _, found = told.leaks(told.rows(connection, told.OF_LINEAGE["event"]), secrets)
        connection.rollback()
    assert found == [(planted[0], "minio-lake")]


def test_a_secret_in_the_spool_would_be_found(secrets: dict[str, str], tmp_path: Path) -> None:
    archived = tmp_path / "archive" / "airflow.1"
    archived.parent.mkdir()
    archived.write_text(f'{{"eventType": "START"}}\n{{"key": "{secrets["airflow-fernet"]}"}}\n')
    _, found = told.leaks(told.lines(tmp_path), secrets)
    assert found == [("airflow.1:2", "airflow-fernet")]
