"""## Restore a store, or a part of it, when somebody has approved

- **What.** Plans the restore that the form asks for, shows the plan (from which backup, what it replaces, how long it
  takes by the last drill, how it is undone), waits until somebody approves it, and carries out exactly that.
  What is there is backed up first, and what came out is compared with the backup's fingerprint.
- **When, and why then.** Never by itself.
- **By hand.** *Trigger* opens the form. Only PostgreSQL's databases and tables, MongoDB, the buckets, and parts of etcd
  and of the volumes are restored from here; whatever needs its service stopped, and Airflow's own database, by the
  command line: `enginedge restore` does all of this without Airflow, and asks for what it needs to know. Then answer
  *approve*, under *Required actions*, within twelve hours; *Reject* ends the run, and nothing was touched.
- **When it fails.** Before the approval nothing was touched: *Misconfigured* says what to change in the form. After it,
  the log of `restore` says the way back before anything goes; *Unavailable* was retried already: trigger the same
  restore again, with the store's name in *Replace*. *Violated* names the parts that differ from what was dumped: go
  back by the line in the log, and restore an older backup.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import dag, task

from enginedge.backup import requested
from enginedge_airflow import defaults, forms


@task
def plan(params=None):
    return requested.planned(params)


@task
def restore(planned, params=None):
    return requested.restored(params, planned["backup"])


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=24),
    deadline=defaults.late_after(timedelta(hours=18)),
    default_args=defaults.task_defaults(timeout=timedelta(hours=6)),
    params=forms.RESTORE,
    tags=["backup"],
    doc_md=__doc__,
)
def restore_store():
    planned = plan()
    approve = ApprovalOperator(
        task_id="approve",
        subject="Restore {{ params.only or 'all' }} of {{ params.store }}?",
        body=forms.PLANNED_RESTORE,
        response_timeout=timedelta(hours=12),
    )
    planned >> approve >> restore(planned)


restore_store()
