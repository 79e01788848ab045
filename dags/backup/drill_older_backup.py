"""## Prove an older backup of one store

- **What.** Draws by lot one of a store's older backups, restores it into a scratch server or folder, compares what
  came out with the fingerprint of its own moment, and writes the proof beside it. Another store has its turn each
  week. The Sunday's drills prove the newest backups; this one, that what is kept for months does not rot.
- **When, and why then.** On Wednesdays at 04:00 UTC, when neither the backups nor the lake's night run.
- **By hand.** Trigger it at any time; it changes nothing that it reads. Is Airflow down? `enginedge backup drill
  --store NAME --older`.
- **When it fails.** *Violated* names the parts that differ: the backup that the message names is none any more. Drill
  its neighbours (`enginedge backup list`, `drill --store NAME --backup ID`) to find out how far that goes, and whether
  the second copy has it whole (`--from offsite`). *Unavailable*: clear the task. A red `write_metrics` or
  `publish_tables` is no backup's failure: `enginedge backup publish`.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from enginedge.backup import operations, tables
from enginedge_airflow import defaults


@task
def drill(dag_run=None):
    return operations.drill_older_in_turn(dag_run.run_after.date())


@task
def write_metrics():
    return operations.write_metrics()


@task
def publish_tables():
    return tables.publish()


@dag(
    schedule=CronTriggerTimetable("0 4 * * 3", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=8),
    deadline=defaults.late_after(timedelta(hours=4)),
    default_args=defaults.task_defaults(timeout=timedelta(hours=6)),
    tags=["backup"],
    doc_md=__doc__,
)
def drill_older_backup():
    drill() >> write_metrics() >> publish_tables()


drill_older_backup()
