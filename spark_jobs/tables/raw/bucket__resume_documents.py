"""Documents of resumes, each one file with a front matter, from the platform's bucket."""

from __future__ import annotations

from spark_jobs.engine.sources.bucket import documents
from spark_jobs.job import RawJob

JOB = RawJob(writes="raw.bucket__resume_documents", reads=documents(key="resume_id"))
