"""The statement by which the bare job of ``safety_tax`` parses, filters and merges a night, written by hand."""

from __future__ import annotations

from datetime import date, timedelta

LATEST = timedelta(days=7)  # no event comes later than that, so the merge looks no further back
FIELDS = (
    *("event_id", "worker", "operation", "outcome", "occurred_at"),
    *("duration_ms", "queue_ms", "trace_id", "attempt", "bytes"),
)

EVENTS = """
    SELECT e.event_id, regexp_replace(split(position, '/')[0], '^events[.]', '') AS family, e.worker, e.operation,
        lower(trim(e.outcome)) AS outcome, try_cast(e.occurred_at AS timestamp) AS occurred_at,
        to_date(try_cast(e.occurred_at AS timestamp)) AS occurred_on, changed_at AS arrived_at,
        (unix_micros(changed_at) - unix_micros(try_cast(e.occurred_at AS timestamp))) / 1e6D AS delay_s,
        try_cast(e.duration_ms AS double) / 1000 AS duration_s, try_cast(e.queue_ms AS double) / 1000 AS queue_s,
        e.trace_id, try_cast(e.attempt AS int) AS attempt, try_cast(e.bytes AS bigint) AS payload_bytes,
        _night, position
    FROM (SELECT *, from_json(record, '{fields}') AS e FROM {raw} WHERE _night = DATE'{night}')
    WHERE is_valid_utf8(record)
"""
GOOD = """
    event_id IS NOT NULL AND worker IS NOT NULL AND operation IS NOT NULL AND occurred_at IS NOT NULL
    AND outcome IN ('ok', 'error', 'timeout') AND duration_s >= 0 AND coalesce(queue_s >= 0, true)
    AND coalesce(attempt >= 1, true) AND coalesce(payload_bytes >= 0, true)
"""
MERGE = """
    MERGE INTO {core} t
    USING (
        SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY occurred_at DESC, position) AS place
            FROM ({events}) WHERE {good}
        ) WHERE place = 1
    ) s
    ON t.event_id = s.event_id AND t.occurred_on >= DATE'{earliest}'
    WHEN MATCHED AND s.occurred_at > t.occurred_at THEN UPDATE SET *
    WHEN NOT MATCHED THEN INSERT *
"""


def merge(raw: str, core: str, night: date) -> str:
    """The newest version of each good event of the night, from the table ``raw`` into the table ``core``."""
    fields = ", ".join(f"{field} string" for field in FIELDS)
    events = EVENTS.format(fields=fields, raw=raw, night=night)
    return MERGE.format(core=core, events=events, good=GOOD, earliest=night - LATEST)
