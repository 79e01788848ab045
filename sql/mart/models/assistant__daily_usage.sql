select
    started_on,
    assistant,
    model,
    count(*) as conversations,
    count(distinct user_id) as users,
    sum(messages) as messages,
    sum(prompt_tokens) as prompt_tokens,
    sum(completion_tokens) as completion_tokens,
    cast(sum(cost_usd) as decimal(38, 8)) as cost_usd
from {{ source('core', 'mongodb__conversations') }}
where not is_deleted
group by 1, 2, 3
