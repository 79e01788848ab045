"""Resumes, as the platform's MongoDB holds them."""

from __future__ import annotations

from spark_jobs.engine.sources.mongodb import Collection
from spark_jobs.job import RawJob

JOB = RawJob(writes="raw.mongodb__resumes", reads=Collection())
