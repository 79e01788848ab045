"""Appointments, as the platform's PostgreSQL holds them."""

from __future__ import annotations

from spark_jobs.engine.sources.postgres import Rows
from spark_jobs.job import RawJob

JOB = RawJob(writes="raw.postgres__schedules", reads=Rows(key=("schedule_id",), role="lake"))
