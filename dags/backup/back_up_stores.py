"""## Back up every store

- **What.** Every store that `deploy/platform.yaml` says is to be backed up: PostgreSQL, MongoDB, etcd, the buckets,
  and the volumes of Kafka, Redis and Jupyter. Each is dumped into the encrypted repository, and its manifest, which
  makes the backup one, is written last. Stores that others point at (the metastore's tables are files in a bucket)
  come last.
  The run ends green only if every store has a backup that was taken in it.
- **When, and why then.** At 01:00 UTC, an hour before the lake's night begins to write.
- **By hand.** Trigger it at any time; a backup never changes what it reads. Is Airflow down? `enginedge backup now`
  does the same, `--store NAME` for one store.
- **When it fails.** Each store is backed up by itself: only those whose task is red have no backup of tonight.
  *Unavailable* was retried already: look at `make status`, then clear the task. *Misconfigured*: mend what it names.
  *Violated*: the repository or a manifest is not what was written; nothing may be overwritten, and somebody must look
  at once. `enginedge backup status` says how each store stands to its objectives. A red `write_metrics` or
  `publish_tables` (Prometheus' numbers, `ops.backups` in Trino) is no backup's failure: `enginedge backup publish`.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from enginedge.backup import operations, tables
from enginedge_airflow import defaults


@task
def list_stores(pointed_at):
    return operations.stores_to_back_up(pointed_at)


@task(max_active_tis_per_dagrun=2, map_index_template="{{ task.op_kwargs['name'] }}")
def back_up(name):
    return operations.back_up_store(name)


@task(trigger_rule="all_done")
def write_metrics():
    return operations.write_metrics()


@task(trigger_rule="all_done")
def publish_tables():
    return tables.publish()


@task(trigger_rule="all_done")
def account(dag_run=None):
    return operations.account(dag_run.run_after)


@dag(
    schedule=CronTriggerTimetable("0 1 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=5),
    deadline=defaults.late_after(timedelta(hours=1)),
    default_args=defaults.task_defaults(timeout=timedelta(hours=4)),
    tags=["backup"],
    doc_md=__doc__,
)
def back_up_stores():
    pointing = list_stores.override(task_id="list_stores_that_point")(pointed_at=False)
    pointed_at = list_stores.override(task_id="list_stores_pointed_at")(pointed_at=True)
    first = back_up.override(task_id="back_up_first").expand(name=pointing)
    then = back_up.override(task_id="back_up_then", trigger_rule="all_done").expand(name=pointed_at)
    first >> then >> write_metrics() >> publish_tables() >> account()


back_up_stores()
