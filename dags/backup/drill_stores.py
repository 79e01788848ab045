"""## Prove that every store can be restored

- **What.** Restores the newest backup of each store into a scratch server or folder of its own, compares what came
  out with the fingerprint of the dumped moment, part by part, and writes the proof beside the backup. Only this makes
  a backup count; the time it took is what a restore in earnest will take. The lake is drilled as one besides: the
  metastore's database and the buckets that were dumped after it come up as a scratch metastore and Trino, every table
  is read and counted there, and every mart has the digest that the running Trino read at the dumped moment.
  What was proved, and what was not, is told by every channel. The run ends green only if every store was proved in
  it, and the lake.
- **When, and why then.** On Sundays at 04:00 UTC, when neither the backups nor the lake's night run.
- **By hand.** Trigger it after a change of a store's version or settings. Is Airflow down? `enginedge backup drill`,
  with `--store NAME` and `--backup ID` for a chosen one or `--older` for one at random, and `drill-lake`.
- **When it fails.** *Violated* names the parts that differ: drill an older backup by hand to find the last good one,
  then find out what spoilt the newer. *Unavailable*: the repository or the scratch server did not answer; clear the
  task. Retention never gives up the last proved backup.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from enginedge.backup import operations, tables, weekly
from enginedge_airflow import defaults


@task
def list_stores():
    return operations.store_names()


@task(max_active_tis_per_dagrun=1, map_index_template="{{ task.op_kwargs['name'] }}")
def drill(name):
    return operations.drill_store(name)


@task
def drill_lake():
    return operations.drill_lake()


@task(trigger_rule="all_done")
def write_metrics():
    return operations.write_metrics()


@task(trigger_rule="all_done")
def publish_tables():
    return tables.publish()


@task(trigger_rule="all_done")
def tell_proved(dag_run=None):
    return weekly.tell_proved(dag_run.run_after)


@task(trigger_rule="all_done")
def account(dag_run=None):
    return operations.account_drills(dag_run.run_after)


@dag(
    schedule=CronTriggerTimetable("0 4 * * 0", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    deadline=defaults.late_after(timedelta(hours=6)),
    default_args=defaults.task_defaults(timeout=timedelta(hours=6)),
    tags=["backup"],
    doc_md=__doc__,
)
def drill_stores():
    proved = [drill.expand(name=list_stores()), drill_lake()]
    proved >> write_metrics() >> publish_tables() >> tell_proved() >> account()


drill_stores()
