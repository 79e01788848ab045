select
    occurred_on,
    worker,
    count(*) as events,
    count_if(outcome = 'ok') as events_ok,
    count_if(outcome = 'error') as events_error,
    count_if(outcome = 'timeout') as events_timeout,
    cast({{ share("count_if(outcome <> 'ok')", 'count(*)') }} as decimal(9, 6)) as failure_share,
    count_if(attempt > 1) as events_retried,
    cast({{ percentile('duration_s', 50) }} as decimal(18, 3)) as duration_p50_s,
    cast({{ percentile('duration_s', 95) }} as decimal(18, 3)) as duration_p95_s,
    cast({{ percentile('duration_s', 99) }} as decimal(18, 3)) as duration_p99_s,
    cast({{ percentile('queue_s', 50) }} as decimal(18, 3)) as queue_p50_s,
    cast({{ percentile('queue_s', 95) }} as decimal(18, 3)) as queue_p95_s,
    sum(payload_bytes) as payload_bytes
from {{ source('core', 'kafka__service_events') }}
group by 1, 2
