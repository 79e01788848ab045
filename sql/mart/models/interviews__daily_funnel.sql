-- A dense grid, so that a stage which nobody entered on a day has a row with 0. An interview counts where it stands now.
with ladder (stage, stage_position, is_exit) as (
    values
        ('applied', 1, false), ('screening', 2, false), ('technical', 3, false), ('onsite', 4, false),
        ('offer', 5, false), ('hired', 6, false), ('rejected', 7, true), ('withdrawn', 8, true)
),

entered as (
    select
        stage_changed_on as entered_on,
        stage,
        count(*) as interviews,
        count(distinct user_id) as users,
        count(score) as scored,
        cast(avg(cast(score as decimal(18, 6))) as decimal(9, 3)) as score_mean
    from {{ source('core', 'mongodb__interviews') }}
    where not is_deleted
    group by 1, 2
),

grid as (
    select days.entered_on, ladder.*
    from (select distinct entered_on from entered) as days
    cross join ladder
),

reached as (
    select
        grid.entered_on,
        grid.stage,
        grid.stage_position,
        grid.is_exit,
        coalesce(entered.interviews, 0) as interviews,
        coalesce(entered.users, 0) as users,
        coalesce(entered.scored, 0) as scored,
        entered.score_mean,
        if(not grid.is_exit, sum(coalesce(entered.interviews, 0)) over further) as interviews_this_far
    from grid
    left join entered on entered.entered_on = grid.entered_on and entered.stage = grid.stage
    window further as (partition by grid.entered_on, grid.is_exit order by grid.stage_position desc)
)

select
    *,
    cast(if(not is_exit, {{ share('interviews_this_far', 'lag(interviews_this_far) over up') }}) as decimal(9, 6)) as conversion_share
from reached
window up as (partition by entered_on, is_exit order by stage_position)
