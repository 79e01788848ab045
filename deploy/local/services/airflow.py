"""Airflow's four processes, which share one configuration: environment for what is public, files for what is secret."""

from __future__ import annotations

import fcntl
import json
from importlib.metadata import version
from pathlib import Path

from deploy.local.credentials import AIRFLOW_USERS
from deploy.local.layout import Local
from deploy.local.services import postgres, spark
from deploy.local.services.process import Launch, clean_environment
from enginedge.private_files import private_folder
from enginedge.settings import HOST
from enginedge.shell import run

BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
AUTH_MANAGER = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"


def prepare_api(local: Local) -> Launch:
    """The API server, which serves the pages too."""
    return _prepare(local, "api-server")


def prepare_scheduler(local: Local) -> Launch:
    """The scheduler with its local executor. Logs are read from the shared folder: its log server stays off."""
    return _prepare(local, "scheduler", "--skip-serve-logs")


def prepare_dag_processor(local: Local) -> Launch:
    """The process that reads ``dags/``."""
    return _prepare(local, "dag-processor")


def prepare_triggerer(local: Local) -> Launch:
    """The process that waits for deferred tasks."""
    return _prepare(local, "triggerer", "--skip-serve-logs")


def _prepare(local: Local, *arguments: str) -> Launch:
    environment = _environment(local)
    _migrate(local, environment)
    return Launch([f"{local.tools['venv']}/bin/airflow", *arguments], environment)


def _migrate(local: Local, environment: dict[str, str]) -> None:
    """Bring the metadata database up to this version; the first of the four processes does it, the others wait for
    it."""
    home = local.data("airflow")
    mark = home / "migrated-to"
    with (home / "migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = f"{version('apache-airflow')} {_schema(local)}"
        if mark.exists() and mark.read_text() == wanted:
            return
        airflow = f"{local.tools['venv']}/bin/airflow"
        run([airflow, "db", "migrate"], environment={**clean_environment(local), **environment}, timeout_s=300)
        mark.write_text(f"{version('apache-airflow')} {_schema(local)}")


def _schema(local: Local) -> str:
    """The version of the schema that the database has; empty where it has none."""
    with postgres.connected(local, "airflow", "airflow") as connection:
        found = connection.execute("select to_regclass('public.alembic_version')").fetchone()
        if not found or found[0] is None:
            return ""
        row = connection.execute("select version_num from alembic_version").fetchone()
        return str(row[0]) if row else ""


def _environment(local: Local) -> dict[str, str]:
    home = local.data("airflow")
    connection = f"postgresql+psycopg2://airflow:{local.secret('postgres-airflow')}@{local.address('postgres')}/airflow"
    secrets = {
        "DATABASE__SQL_ALCHEMY_CONN": local.write("airflow", "connection", connection),
        "CORE__FERNET_KEY": local.settings.secret_path("airflow-fernet"),
        "API_AUTH__JWT_SECRET": local.settings.secret_path("airflow-jwt"),
        "API__SECRET_KEY": local.settings.secret_path("airflow-api"),
    }
    return {
        **spark.application_environment(local),
        "AIRFLOW_HOME": str(home),
        **{f"AIRFLOW__{name}": value for name, value in _options(local, home).items()},
        **{f"AIRFLOW__{name}_CMD": f"cat {path}" for name, path in secrets.items()},
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
    }


def _options(local: Local, home: Path) -> dict[str, str]:
    """What is set in Airflow's configuration, none of it secret: ``SECTION__OPTION`` and its value."""
    spool = private_folder(local.settings.spool)
    return {
        "CORE__AUTH_MANAGER": AUTH_MANAGER,
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in AIRFLOW_USERS.items()),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(local.settings.secret_path("airflow-passwords.json")),
        "CORE__EXECUTOR": "LocalExecutor",
        # Two cores: a Spark application uses both, so more tasks at a time than this only wait for each other.
        "CORE__PARALLELISM": "6",
        "CORE__LOAD_EXAMPLES": "false",
        # A backup that waits for somebody to unpause it is none. `ENGINEDGE_SCHEDULED_RUNS` says whether runs start.
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",
        "SCHEDULER__USE_JOB_SCHEDULE": str(local.settings.scheduled_runs),
        "CORE__PLUGINS_FOLDER": str(local.root / "plugins"),
        "CORE__EXECUTION_API_SERVER_URL": f"{local.url('airflow-api')}/execution/",
        "API__HOST": HOST,
        "API__PORT": str(local.port("airflow-api")),
        "API__WORKERS": "1",
        "API__BASE_URL": local.url("airflow-api"),
        "SCHEDULER__ENABLE_HEALTH_CHECK": "true",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": HOST,
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(local.port("airflow-scheduler")),
        # A task whose worker was killed is failed (and retried) after this, not after five minutes.
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        # The beat itself must be several times as fast as the timeout above.
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
        # Tasks of a scheduler that was killed are adopted by the next one after this, not after five minutes.
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "30",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # A file that was changed is read at once. The others are read again for what they read elsewhere, contracts and
        # the inventory; that often, and not twice a minute, since each time costs a third of a second of a core.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [{"name": "enginedge", "classpath": BUNDLE, "kwargs": {"path": str(local.root / "dags")}}]
        ),
        "LOGGING__BASE_LOG_FOLDER": str(private_folder(home / "logs")),
        "OPENLINEAGE__NAMESPACE": "enginedge",
        # One file an event: nothing is lost while the relay is down, and no process writes into another's lines.
        "OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(spool / "airflow")}),
        "USAGE_DATA_COLLECTION__ENABLED": "false",
    }
