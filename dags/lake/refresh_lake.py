"""## Bring the lake up to a night

- **What.** Reads all that MongoDB, PostgreSQL, Kafka, the platform's bucket and Airflow's own database took in until
  the end of a UTC day, judges each record by its table's contract, publishes the core tables, rebuilds the marts.
- **When, and why then.** At 02:00 UTC, for the day before: late events have had two hours to arrive, and analysts start
  at six. Missed nights are not made up one by one: the next run reads all that they left.
- **By hand.** *Trigger* opens a form: the night (empty: yesterday), the sources, and whether to read them from their
  beginning. A night may be run again at any time: what is published is not published twice.
- **When it fails.** Nothing half-written is visible: each table is as its last good run left it. The task that failed
  says what happened, where, and what to do; a failed source holds back only the marts that read it. *Unavailable* was
  retried already: look at `make status`, then clear the task. *Misconfigured*: mend the file that it names. *Violated*:
  look into the table's quarantine first. Is Airflow itself down? `enginedge lake run` does the same without it.
"""

from dataclasses import asdict
from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronTriggerTimetable, TaskGroup, dag, task

from enginedge.lake import declared, marts, requests
from enginedge_airflow import assets, defaults, forms, operators, reports


@task
def check_request(dag_run=None):
    return requests.check_request(dag_run.conf, dag_run.run_after)


@task(trigger_rule="none_failed_min_one_success")
def build(mart, night, run_id=None):
    return asdict(marts.build_mart(mart, night, run_id))


@task
def publish(mart, outlet_events=None):
    return assets.tell(outlet_events, mart, asdict(marts.publish_mart(mart)))


@task(trigger_rule="none_failed")
def reconcile(request):
    return reports.reconcile(request)


@task(trigger_rule="all_done")
def summarise(request, reconciled, ti=None, dag_run=None):
    return reports.summarise(request, reconciled, ti, dag_run.start_date)


@dag(
    schedule=CronTriggerTimetable("0 2 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=2,  # as many Spark applications as one worker of the standalone master holds
    dagrun_timeout=timedelta(hours=6),
    deadline=defaults.late_after(timedelta(hours=3)),
    default_args=defaults.task_defaults(timeout=timedelta(hours=2)),
    params=forms.NIGHT,
    tags=["lake"],
    doc_md=__doc__,
)
def refresh_lake():
    request = check_request()
    with TaskGroup("sources"):
        read = {s: operators.RefreshSource(task_id=f"refresh_{s}", source=s, request=request) for s in declared.SOURCES}
    with TaskGroup("core"):
        core = {t: EmptyOperator(task_id=t.removeprefix("core.")) for t in declared.core_tables()}
    reconciled = reconcile(request)
    summary = summarise(request, reconciled)
    for source, refreshed in read.items():
        refreshed >> [core[table] for table in declared.tables_of(source)] >> reconciled
    with TaskGroup("marts"):
        for mart in declared.marts():
            built = build.override(task_id=f"build_{mart.model}")(mart.name, forms.REQUESTED_NIGHT)
            published = publish.override(task_id=f"publish_{mart.model}", outlets=[assets.table(mart.name)])(mart.name)
            [core[table] for table in mart.reads] >> built >> published >> [reconciled, summary]
    [*read.values()] >> summary


refresh_lake()
