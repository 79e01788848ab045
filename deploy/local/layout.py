"""Where things of one local installation lie, and what the services are told about each other."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir

from deploy.local import plain_paths
from enginedge.engines.hadoop import S3
from enginedge.errors import Misconfigured
from enginedge.platform import Platform, load_platform
from enginedge.private_files import private_folder, write_private
from enginedge.settings import HOST, Settings, settings

LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes, the ending zero included


@dataclass(frozen=True)
class Local:
    """One installation: the checkout, its state folder, the tools that the bootstrap installed."""

    settings: Settings
    platform: Platform
    tools: dict[str, str] = field(repr=False)

    @property
    def root(self) -> Path:
        return self.settings.root

    @property
    def state(self) -> Path:
        return self.settings.state

    def tool(self, name: str) -> Path:
        """The path of an installed tool, by its name in ``toolchain.json``.

        Raises:
            Misconfigured: the bootstrap did not install it, or it is gone.
        """
        path = Path(self.tools.get(name, "")) if self.tools.get(name) else None
        if path is None or not path.exists():
            raise Misconfigured(f"{name} is not installed", where=str(path or "toolchain.json"), remedy="run `make up`")
        return path

    def port(self, service: str, port: str = "main") -> int:
        return self.settings.endpoint(service, port).port

    def address(self, service: str, port: str = "main") -> str:
        """``127.0.0.1:<port>``"""
        return f"{HOST}:{self.port(service, port)}"

    def url(self, service: str, port: str = "main") -> str:
        return f"http://{self.address(service, port)}"

    def secret(self, name: str) -> str:
        return self.settings.secret(name)

    def object_store(self, user: str) -> S3:
        """The object store, as ``user`` logs in there."""
        return S3(self.url("minio"), user, self.secret(f"minio-{user}"))

    def data(self, service: str) -> Path:
        """The folder that holds what ``service`` must not lose."""
        return private_folder(self.state / "data" / service)

    def log(self, service: str) -> Path:
        return private_folder(self.state / "log") / f"{service}.log"

    @property
    def run(self) -> Path:
        """What is of no use after the stack has ended: generated supervisor configuration, process ids."""
        return private_folder(self.state / "run")

    def conf(self, service: str) -> Path:
        """The folder of ``service``'s generated configuration."""
        return private_folder(self.state / "conf" / service)

    def write(self, service: str, name: str, text: str) -> Path:
        """Write one generated configuration file (mode 0600) and return its path."""
        path = self.conf(service) / name
        write_private(path, text)
        return path

    def socket(self, name: str) -> Path:
        """A Unix socket's path in a folder that only the owner can enter; short enough for the kernel."""
        path = self.run / name
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return path
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or gettempdir())
        mark = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:12]
        folder = private_folder(base / f"enginedge-{os.getuid()}-{mark}")
        if folder.stat().st_uid != os.getuid():
            raise Misconfigured(
                "somebody else owns the runtime folder", where=str(folder), remedy="set XDG_RUNTIME_DIR"
            )
        return folder / name


def local() -> Local:
    """The installation that the environment points at (``ENGINEDGE_ROOT``, ``ENGINEDGE_STATE``).

    Raises:
        Misconfigured: the bootstrap has not run, or a path is one that a shell would read in a way of its own.
    """
    here = settings()
    if wrong := plain_paths.complaint(here.root, here.state, here.secrets):
        what, _, remedy = wrong.partition(": ")
        raise Misconfigured(what, remedy=remedy)
    return Local(here, load_platform(here.root / "deploy" / "platform.yaml"), here.toolchain())
