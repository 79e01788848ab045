"""A night as it might stand published: the counts of one table, and the summary that they are part of."""

from __future__ import annotations

from enginedge.lake.counts import MartTotal, Summary, TableCounts

COUNTS = TableCounts(
    table="core.kafka__service_events",
    night="2026-11-23",
    run="manual__1",
    status="published",
    raw=12345,
    accepted=11000,
    quarantined=345,
    duplicate=700,
    superseded=300,
    inserted=10000,
    updated=1000,
    nights="_night = DATE '2026-11-23'",
    full_refresh=False,
    snapshot=4242424242424242,
    seconds=31.74,
)
LINKS = {"Spark": "http://spark:1", "Trino": "http://trino:2", "lineage": "http://lineage:3"}
SUMMARY = Summary(COUNTS.night, (COUNTS,), (MartTotal("mart.x__y", 77, "events = 11000"),), LINKS)
