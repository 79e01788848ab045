"""A PostgreSQL server for one drill, as the real one is but empty: its own superuser and a password made for it."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from enginedge.backup.scratch.place import free_port, running, scratch_folder
from enginedge.backup.sources.postgres import Server
from enginedge.backup.sources.postgres_contents import SCRATCH_ROLE
from enginedge.backup.tools import environment, tool
from enginedge.private_files import write_private
from enginedge.settings import HOST
from enginedge.shell import run
from enginedge.unprivileged import unprivileged


@contextmanager
def scratch_postgres() -> Iterator[Server]:
    """A running, empty server."""
    with scratch_folder("postgres") as folder:
        password, port, data = secrets.token_hex(16), free_port(), folder / "cluster"
        write_private(folder / "password", password)
        write_private(folder / "pgpass", f"{HOST}:{port}:*:{SCRATCH_ROLE}:{password}\n")
        login = (f"--username={SCRATCH_ROLE}", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}")
        form = ("--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync")
        initdb = [*unprivileged(), tool("initdb"), f"--pgdata={data}", *login, *form]
        run(initdb, environment=environment())
        server = Server(HOST, port, SCRATCH_ROLE, folder / "pgpass")
        options = {"listen_addresses": HOST, "unix_socket_directories": "", "max_wal_size": "4GB", "autovacuum": "off"}
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        argv = [*unprivileged("INT"), tool("postgres"), "-D", str(data), "-p", str(port), *flags]
        with running(argv, lambda: _ask(server), log=folder / "log", stop=signal.SIGINT):
            yield server


def _ask(server: Server) -> None:
    with server.connected("postgres") as connection:
        connection.execute("select 1")
