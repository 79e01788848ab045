"""What PostgreSQL is asked for while it is set up."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from deploy.local.services.postgres import _set_up_role
from tests.lineage.postgres import scratch_server

PASSWORD = "s3cret-of-the-lake"  # noqa: S105


def test_a_password_is_never_in_a_statement_which_a_failure_would_put_into_the_log(tmp_path: Path) -> None:
    with scratch_server(tmp_path) as conninfo, psycopg.connect(conninfo, autocommit=True) as admin:
        admin.execute("create table said (statement text)")
        for _ in range(2):  # the second time the role is there
            _set_up_role(admin, "lake", PASSWORD)
            told = (
                "insert into said select query from pg_stat_activity where query ~ 'role' and pid <> pg_backend_pid()"
            )
            with psycopg.connect(conninfo, autocommit=True) as beside:
                beside.execute(told)
        statements = [statement for (statement,) in admin.execute("select statement from said")]
        assert len(statements) == 2
        assert not any(PASSWORD in statement for statement in statements)
        (stored,) = admin.execute("select rolpassword from pg_authid where rolname = 'lake'").fetchone() or ("",)
        assert stored.startswith("SCRAM-SHA-256$")
        hba = admin.execute("show hba_file").fetchone()
        assert hba
        Path(hba[0]).write_text("host all lake 127.0.0.1/32 scram-sha-256\nhost all lineage 127.0.0.1/32 trust\n")
        admin.execute("select pg_reload_conf()")
        psycopg.connect(make_conninfo(conninfo, user="lake", password=PASSWORD)).close()
