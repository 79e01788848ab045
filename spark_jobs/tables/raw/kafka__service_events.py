"""Events of the workers, from one Kafka topic a family."""

from __future__ import annotations

from spark_jobs.engine.sources.kafka import Topics
from spark_jobs.job import RawJob

JOB = RawJob(writes="raw.kafka__service_events", reads=Topics(key="event_id"))
