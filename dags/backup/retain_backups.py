"""## Give up old backups, and read the repository's bytes

- **What.** Checks a seventh of all bytes of the repository and every manifest, so that all bytes are read within a
  week; then gives up the backups that no rule keeps; then locks what is left for longer, since a new backup shares
  most of its bytes with old ones. Then checks the second copy, and gives up what no rule keeps there. Kept are the
  newest of each of the last 7 days, 5 weeks, 12 months and 3 years, the newest one, the last one that a drill proved,
  the last two that were proved to be one lake, and for two weeks what a restore has replaced. What does not carry our
  mark is never touched.
- **When, and why then.** At 05:30 UTC, after the backups and the drills.
- **By hand.** *Trigger* opens a form; with *dry run* it only says what would go, and why, in the task's log and
  result. Is Airflow down? `enginedge backup check` and `enginedge backup forget` do the same.
- **When it fails.** A failed check holds the giving up back, at its own place alone: *Violated* names what is damaged.
  The bucket keeps every version for weeks, so put back the older version of what is named, check again, and clear the
  task. *Unavailable* while a backup, a copy, a drill or a restore runs is as it should be: clear the task later. A red
  `write_metrics` or `publish_tables` (Prometheus' numbers, `ops.backups` in Trino) spoils nothing: `enginedge backup
  publish`.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, Param, dag, task

from enginedge.backup import keeping, operations, tables
from enginedge_airflow import defaults


@task
def check_share(place):
    return keeping.check_share(place=place)


@task
def give_up(place, params=None):
    return keeping.forget_or_tell(params["dry_run"], place)


@task
def keep_locked():
    return keeping.keep_locked()


@task(trigger_rule="all_done")
def write_metrics():
    return operations.write_metrics()


@task(trigger_rule="all_done")
def publish_tables():
    return tables.publish()


@task
def account():
    return keeping.account_kept()


@dag(
    schedule=CronTriggerTimetable("30 5 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    deadline=defaults.late_after(timedelta(hours=4)),
    default_args=defaults.task_defaults(timeout=timedelta(hours=6)),
    params={"dry_run": Param(False, type="boolean", title="Dry run", description="Only say what would go, and why.")},
    tags=["backup"],
    doc_md=__doc__,
)
def retain_backups():
    here, there = keep_locked(), give_up.override(task_id="give_up_copies")("offsite")
    check_copies = check_share.override(task_id="check_copies", trigger_rule="all_done")("offsite")
    check_share("primary") >> give_up("primary") >> here >> check_copies >> there
    [here, there] >> write_metrics() >> publish_tables()
    [here, there] >> account()


retain_backups()
