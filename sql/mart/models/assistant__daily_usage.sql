select
    {{ day('started_at') }} as started_on,
    assistant,
    model,
    count(*) as conversations,
    count(distinct user_id) as users,
    sum(cast(messages as bigint)) as messages,
    sum(cast(prompt_tokens as bigint)) as prompt_tokens,
    sum(cast(completion_tokens as bigint)) as completion_tokens,
    cast(sum(cost_usd) as decimal(38, 6)) as cost_usd
from {{ source('core', 'mongodb__conversations') }}
where not is_deleted
group by 1, 2, 3
