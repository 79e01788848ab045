"""A PostgreSQL server of the tests' own, in a folder that is thrown away: nothing durable, a port of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from enginedge.settings import settings


def _bin() -> Path:
    """The folder of the server's programs: Debian keeps them off the path, one folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    if not found[-1].is_file():
        pytest.skip("PostgreSQL's server is not installed")
    return found[-1].parent


def _as_somebody(*command: str | Path) -> list[str]:
    """PostgreSQL refuses root: as root it runs under another user number, in a user namespace of its own."""
    mapped = ["unshare", "--user", "--map-user=1000", "--"] if os.geteuid() == 0 else []
    return [*mapped, *map(str, command)]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def scratch_server(folder: Path) -> Iterator[str]:
    """Yields the conninfo of a running server; it is stopped at the end, whatever happened."""
    programs, data, port = _bin(), folder / "data", free_port()
    subprocess.run(
        _as_somebody(programs / "initdb", "-D", data, "-U", "lineage", "-A", "trust", "-E", "UTF8", "--no-sync"),
        check=True,
        capture_output=True,
    )
    server = subprocess.Popen(
        _as_somebody(
            *(programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1"),
            *("-c", f"unix_socket_directories={folder}", "-c", "fsync=off"),
        ),
        stderr=subprocess.DEVNULL,
    )
    conninfo = f"host=127.0.0.1 port={port} user=lineage dbname=postgres"
    try:
        _wait(conninfo)
        yield conninfo
    finally:
        server.terminate()
        server.wait(timeout=30)


@contextmanager
def platform_server(folder: Path, monkeypatch: pytest.MonkeyPatch, role: str) -> Iterator[psycopg.Connection]:
    """The installation's PostgreSQL for as long as the context is open: a running server with the database
    ``platform`` and ``role``, which may make tables there. Yields its administrator's connection to that database."""
    with scratch_server(folder) as conninfo, psycopg.connect(conninfo, autocommit=True) as admin:
        admin.execute(f"create role {role} login".encode())
        admin.execute(f"create database platform owner {role}".encode())
        (folder / f"postgres-{role}").write_text("unused")
        (folder / f"postgres-{role}").chmod(0o600)
        monkeypatch.setenv("ENGINEDGE_PORT_POSTGRES", str(conninfo_to_dict(conninfo)["port"]))
        monkeypatch.setenv("ENGINEDGE_SECRETS", str(folder))
        settings.cache_clear()
        with psycopg.connect(make_conninfo(conninfo, dbname="platform"), autocommit=True) as of_the_platform:
            yield of_the_platform
    settings.cache_clear()


def _wait(conninfo: str) -> None:
    stop = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(conninfo).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > stop:
                raise
            time.sleep(0.1)
