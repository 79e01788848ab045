"""News articles, one JSON document a line, from the platform's bucket."""

from __future__ import annotations

from spark_jobs.engine.sources.bucket import lines
from spark_jobs.job import RawJob

JOB = RawJob(writes="raw.bucket__news_articles", reads=lines(key="article_id"))
