"""## Copy the backups off-site

- **What.** Every backup that is not at the second place yet is copied there by the engine itself, which reads, verifies
  and encrypts each byte anew: what is damaged here does not arrive there. Then the copies get their manifests, and what
  they use is locked there for longer. The run ends green only if the newest backup of every store is there.
- **When, and why then.** At 03:00 UTC, when the night's backups have been taken.
- **By hand.** Trigger it at any time: what is there already is not copied again. Is Airflow down?
  `enginedge backup copy` does the same, `--store NAME` for one store; `enginedge backup list --from offsite` shows what
  is there.
- **When it fails.** *Unavailable*: the second place or the first did not answer; clear the task, nothing half-copied is
  listed. *Violated*: something here is damaged and was not copied. The older copies are untouched: restore or drill
  them with `--from offsite`, then mend what the message names.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from enginedge.backup import keeping, operations, tables
from enginedge.backup.locations import Location
from enginedge_airflow import defaults


@task
def list_stores():
    return operations.store_names()


@task(max_active_tis_per_dagrun=1, map_index_template="{{ task.op_kwargs['name'] }}")
def copy(name):
    return operations.copy_store(name)


@task(trigger_rule="all_done")
def write_metrics():
    return operations.write_metrics()


@task(trigger_rule="all_done")
def publish_tables():
    return tables.publish()


@task(trigger_rule="all_done")
def account():
    return operations.account_copies()


@task
def keep_locked():
    return keeping.keep_locked(Location.OFFSITE)


@dag(
    schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    deadline=defaults.late_after(timedelta(hours=2)),
    default_args=defaults.task_defaults(timeout=timedelta(hours=5)),
    tags=["backup"],
    doc_md=__doc__,
)
def copy_backups():
    copy.expand(name=list_stores()) >> write_metrics() >> publish_tables() >> account() >> keep_locked()


copy_backups()
