select
    {{ day('occurred_at') }} as occurred_on,
    worker,
    count(*) as events,
    count_if(outcome = 'ok') as events_ok,
    count_if(outcome = 'error') as events_error,
    count_if(outcome = 'timeout') as events_timeout,
    cast({{ share("count_if(outcome <> 'ok')", 'count(*)') }} as decimal(9, 6)) as failure_share,
    count_if(attempt > 1) as events_retried,
    cast({{ percentile('duration_ms', 50) }} as bigint) as duration_p50_ms,
    cast({{ percentile('duration_ms', 95) }} as bigint) as duration_p95_ms,
    cast({{ percentile('duration_ms', 99) }} as bigint) as duration_p99_ms,
    cast({{ percentile('queue_ms', 50) }} as bigint) as queue_p50_ms,
    cast({{ percentile('queue_ms', 95) }} as bigint) as queue_p95_ms,
    sum(cast(bytes as bigint)) as size_bytes
from {{ source('core', 'kafka__service_events') }}
where not is_deleted
group by 1, 2
