"""PostgreSQL: one database a tenant, each owned by a role of its own, and two roles that read."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.settings import HOST
from enginedge.shell import run
from enginedge.unprivileged import unprivileged

if TYPE_CHECKING:
    import psycopg

DATABASES = ("airflow", "metastore", "lineage", "platform")
READERS = ("lake", "airflow-reader")


def prepare(local: Local) -> Launch:
    """Make the cluster where there is none yet, and start it without a Unix socket."""
    data = local.data("postgres") / "cluster"
    if not data.exists():
        _make_cluster(local, data)
    options = {
        "listen_addresses": HOST,
        "unix_socket_directories": "",
        "shared_buffers": "128MB",
        "max_connections": "200",
        "password_encryption": "scram-sha-256",
        "fsync": "on",
        "log_min_messages": "warning",
    }
    flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
    postgres = str(local.tool("postgres_bin") / "postgres")
    # INT is the fast shutdown: TERM would wait for every client to leave.
    argv = [*unprivileged("INT"), postgres, "-D", str(data), "-p", str(local.port("postgres")), *flags]
    return Launch(argv, on_death=signal.SIGINT)


def _make_cluster(local: Local, data: Path) -> None:
    part = data.with_name("cluster.part")
    shutil.rmtree(part, ignore_errors=True)
    run(
        [
            *unprivileged("TERM"),
            str(local.tool("postgres_bin") / "initdb"),
            f"--pgdata={part}",
            "--username=admin",
            "--auth=scram-sha-256",
            f"--pwfile={local.settings.secret_path('postgres-admin')}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ]
    )
    part.rename(data)


def connected(local: Local, database: str, user: str) -> psycopg.Connection:
    """A connection to ``database`` as ``user``; each statement is committed for itself."""
    import psycopg

    return psycopg.connect(
        host=HOST,
        port=local.port("postgres"),
        dbname=database,
        user=user,
        password=local.secret(f"postgres-{user}"),
        autocommit=True,
        connect_timeout=5,
    )


def set_up(local: Local) -> None:
    """Roles, databases, the lease schema and the readers' rights: made where they are missing, passwords set anew."""
    with connected(local, "postgres", "admin") as connection:
        for role in (*DATABASES, *READERS):
            _set_up_role(connection, role.replace("-", "_"), local.secret(f"postgres-{role}"))
        for name in DATABASES:
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
                connection.execute(f"create database {name} owner {name}")
            connection.execute(f"revoke connect, temporary on database {name} from public")
    with connected(local, "platform", "admin") as connection:
        connection.execute("grant connect on database platform to lake")
        connection.execute("create schema if not exists lease authorization lake")
        connection.execute("grant usage on schema public to lake; grant select on all tables in schema public to lake")
        connection.execute("alter default privileges for role platform in schema public grant select on tables to lake")
        connection.execute("alter schema public owner to platform")
    with connected(local, "airflow", "admin") as connection:
        connection.execute("grant connect on database airflow to airflow_reader")
        connection.execute("alter schema public owner to airflow")
        connection.execute("grant usage on schema public to airflow_reader")
        connection.execute("grant select on all tables in schema public to airflow_reader")
        connection.execute(
            "alter default privileges for role airflow in schema public grant select on tables to airflow_reader"
        )


def _set_up_role(connection: psycopg.Connection, role: str, password: str) -> None:
    """What is sent is the password's SCRAM verifier: a statement that fails, on a full disk say, stands in the log."""
    from psycopg import sql

    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()

    exists = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
    statement = sql.SQL("{} role {} login password {}").format(
        sql.SQL("alter" if exists else "create"), sql.Identifier(role), sql.Literal(verifier)
    )
    connection.execute(statement)
