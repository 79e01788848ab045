"""MongoDB's replica set of one knows its own address, and moves with its port."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pymongo import MongoClient

from enginedge.backup.scratch.place import free_port
from enginedge.settings import HOST
from tests.installation import ROOT


@pytest.mark.stores
def test_a_store_that_is_given_another_port_has_a_primary_there(tmp_path: Path) -> None:
    for _ in range(2):
        port = free_port()
        where = {"ENGINEDGE_STATE": str(tmp_path), "ENGINEDGE_SECRETS": str(tmp_path / "secrets")}
        moved = {**os.environ, **where, "ENGINEDGE_PORT_MONGODB": str(port)}

        def stack(*arguments: str, moved: dict[str, str] = moved) -> None:
            subprocess.run([sys.executable, "-m", "deploy.local.stack", *arguments], cwd=ROOT, env=moved, check=True)

        try:
            stack("up", "--only", "mongodb")
            with MongoClient(HOST, port, directConnection=True) as client:
                assert client.admin.command("hello")["me"] == f"{HOST}:{port}"
                assert client.admin.command("hello")["isWritablePrimary"]
        finally:
            stack("down")
