"""Airflow's settings, before any test here imports it."""

import tests.airflow_home  # noqa: F401
