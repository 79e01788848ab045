"""MongoDB's replica set of one knows its own address, and moves with its port."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymongo import MongoClient

from enginedge.backup.scratch.place import free_port
from enginedge.backup.sources.mongodb_contents import drop_users_and_roles
from enginedge.settings import HOST
from tests.installation import ROOT


@pytest.mark.stores
def test_a_store_that_is_given_another_port_has_a_primary_there(tmp_path: Path) -> None:
    for _ in range(2):
        with running(tmp_path) as (port, _), MongoClient(HOST, port, directConnection=True) as client:
            assert client.admin.command("hello")["me"] == f"{HOST}:{port}"
            assert client.admin.command("hello")["isWritablePrimary"]


@pytest.mark.stores
def test_where_a_restore_broke_off_before_the_users_came_back_it_is_said_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as (port, up):
        password = (tmp_path / "secrets" / "mongodb-restore").read_text()
        with MongoClient(HOST, port, directConnection=True, username="restore", password=password) as client:
            drop_users_and_roles(client, but="restore")
        again = up()
        assert again.returncode == 2
        assert "root cannot log in: a restore broke off" in again.stderr
        assert "`enginedge restore mongodb`" in again.stderr


@contextmanager
def running(state: Path) -> Iterator[tuple[int, Callable[[], subprocess.CompletedProcess[str]]]]:
    """A MongoDB of its own in ``state``, at a port that no other one had: the port, and what brings it up again."""
    port = free_port()
    where = {"ENGINEDGE_STATE": str(state), "ENGINEDGE_SECRETS": str(state / "secrets")}
    environment = {**os.environ, **where, "ENGINEDGE_PORT_MONGODB": str(port)}

    def stack(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "deploy.local.stack", *arguments]
        return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def up() -> subprocess.CompletedProcess[str]:
        return stack("up", "--only", "mongodb")

    try:
        assert (began := up()).returncode == 0, began.stderr
        yield port, up
    finally:
        assert (ended := stack("down")).returncode == 0, ended.stderr
