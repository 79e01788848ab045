"""A member of etcd for one drill: nothing but a folder and addresses until the restore has filled it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from enginedge.backup.scratch.place import free_port, running, scratch_folder
from enginedge.backup.sources.etcd import Member
from enginedge.backup.tools import tool
from enginedge.etcd import Client
from enginedge.settings import HOST


@contextmanager
def scratch_etcd(password_file: Path) -> Iterator[Member]:
    """A member to be restored; it will have the users of the snapshot, so ``password_file`` is the real one's."""
    with scratch_folder("etcd") as folder, ExitStack() as stack:
        client, peer, data = (f"http://{HOST}:{free_port()}", f"http://{HOST}:{free_port()}", folder / "data")
        options = {
            "name": "local",
            "data-dir": str(data),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"local={peer}",
            "log-level": "warn",
        }
        argv = [tool("etcd"), *(f"--{name}={value}" for name, value in options.items())]
        login = Client(client, password_file)

        def start() -> None:
            stack.enter_context(running(argv, lambda: _ask(login), log=folder / "log"))

        yield Member(login, peer, data, start)


def _ask(login: Client) -> None:
    with login.connected():
        return
