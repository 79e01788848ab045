"""A MinIO server for one drill, with empty buckets of the same names."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from enginedge.backup.object_store import ObjectStore
from enginedge.backup.scratch.place import free_port, running, scratch_folder
from enginedge.backup.tools import tool
from enginedge.private_files import private_folder, write_private
from enginedge.settings import HOST

USER = "enginedge-drill"


@contextmanager
def scratch_minio(buckets: Sequence[str]) -> Iterator[ObjectStore]:
    """A running server."""
    with scratch_folder("minio") as folder:
        address, password = f"{HOST}:{free_port()}", secrets.token_hex(16)
        write_private(folder / "password", password)
        write_private(folder / "login", f"MINIO_ROOT_USER={USER}\nMINIO_ROOT_PASSWORD={password}\n")
        more = {"MINIO_CONFIG_ENV_FILE": str(folder / "login"), "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
                "MINIO_CALLHOME_ENABLE": "off"}  # fmt: skip
        data = private_folder(folder / "data")
        argv = [tool("minio"), "server", str(data), f"--address={address}", f"--certs-dir={folder / 'certs'}"]
        store = ObjectStore(f"http://{address}", USER, folder / "password")
        with running(argv, lambda: _ask(store), log=folder / "log", more=more), store.client() as client:
            for bucket in buckets:
                client.create_bucket(Bucket=bucket)
            yield store


def _ask(store: ObjectStore) -> None:
    with store.client() as client:
        client.list_buckets()
