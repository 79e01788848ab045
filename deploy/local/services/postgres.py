"""PostgreSQL: one database a tenant, each owned by a role of its own, and two roles that read."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from pathlib import Path

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.settings import HOST
from enginedge.shell import run

DATABASES = ("airflow", "metastore", "lineage", "platform")
READERS = ("lake", "airflow-reader")
PLAIN_USERS = ("postgres", "nobody")


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
    argv = [*_not_as_root("INT"), postgres, "-D", str(data), "-p", str(local.port("postgres")), *flags]
    return Launch(argv, on_death=signal.SIGINT)


def _make_cluster(local: Local, data: Path) -> None:
    part = data.with_name("cluster.part")
    shutil.rmtree(part, ignore_errors=True)
    run(
        [
            *_not_as_root("TERM"),
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


def _not_as_root(on_death: str) -> list[str]:
    """PostgreSQL refuses to run as root: to it, root then has the number of a plain user. The process stays the
    same one."""
    if os.getuid() != 0:
        return []
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    plain = next(known[name] for name in PLAIN_USERS if name in known)
    return [
        "unshare",
        "--user",
        f"--map-user={plain.pw_uid}",
        f"--map-group={plain.pw_gid}",
        "setpriv",
        f"--pdeathsig={on_death}",
        "--",
    ]


def set_up(local: Local) -> None:
    """Roles, databases, the lease schema and the readers' rights: made where they are missing, passwords set anew."""
    with _connect(local, "postgres") as cursor:
        for role in (*DATABASES, *READERS):
            _set_up_role(cursor, role.replace("-", "_"), local.secret(f"postgres-{role}"))
        for name in DATABASES:
            cursor.execute("select 1 from pg_database where datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(f"create database {name} owner {name}")
            cursor.execute(f"revoke connect, temporary on database {name} from public")
    with _connect(local, "platform") as cursor:
        cursor.execute("grant connect on database platform to lake")
        cursor.execute("create schema if not exists lease authorization lake")
        cursor.execute("grant usage on schema public to lake; grant select on all tables in schema public to lake")
        cursor.execute("alter default privileges for role platform in schema public grant select on tables to lake")
        cursor.execute("alter schema public owner to platform")
    with _connect(local, "airflow") as cursor:
        cursor.execute("grant connect on database airflow to airflow_reader")
        cursor.execute("alter schema public owner to airflow")
        cursor.execute("grant usage on schema public to airflow_reader")
        cursor.execute("grant select on all tables in schema public to airflow_reader")
        cursor.execute(
            "alter default privileges for role airflow in schema public grant select on tables to airflow_reader"
        )


def _connect(local: Local, database: str):  # type: ignore[no-untyped-def]
    import psycopg

    connection = psycopg.connect(
        host=HOST,
        port=local.port("postgres"),
        dbname=database,
        user="admin",
        password=local.secret("postgres-admin"),
        autocommit=True,
        connect_timeout=5,
    )
    return connection.cursor()


def _set_up_role(cursor, role: str, password: str) -> None:  # type: ignore[no-untyped-def]
    from psycopg import sql

    cursor.execute("select 1 from pg_roles where rolname = %s", [role])
    verb = "alter" if cursor.fetchone() else "create"
    statement = sql.SQL(f"{verb} role {role} login password {{}}")
    cursor.execute(statement.format(sql.Literal(password)))
