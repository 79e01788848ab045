select
    published_on,
    topic,
    language,
    count(*) as articles,
    count(distinct source_name) as publishers,
    cast(avg(cast(sentiment as decimal(18, 9))) as decimal(9, 6)) as sentiment_mean
from {{ source('core', 'bucket__news_articles') }}
group by 1, 2, 3
