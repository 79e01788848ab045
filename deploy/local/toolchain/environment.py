"""The checkout's Python environment: exactly what the lock says, and the project itself, editable."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local.toolchain.commands import run
from deploy.local.toolchain.items import Cache, key_of
from deploy.local.toolchain.recipes import DOWNLOAD_ATTEMPTS

REMEDY = "check that the Python package index can be reached (UV_DEFAULT_INDEX), then run it again"


class Environment:
    """``.venv`` of one checkout; a stamp in it says for which lock, project file, interpreter and place it was made."""

    def __init__(self, root: Path, cache: Cache, uv: Callable[[], str]) -> None:
        self.root, self.cache, self.uv = root, cache, uv
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.packages = self.folder / "lib" / "python3.11" / "site-packages"
        self.lock = root / "requirements" / "local.lock"
        self.stamp = self.folder / ".enginedge"
        self.unfinished = self.folder / ".enginedge-unfinished"

    @property
    def wanted(self) -> str:
        build = self.root / "requirements" / "build.txt"
        return key_of(self.lock, build, self.root / "pyproject.toml", str(self.root), sys.version)

    def is_current(self) -> bool:
        """Whether the environment is what it should be, with an interpreter that is still there."""
        return os.access(self.python, os.X_OK) and self.stamp.is_file() and self.stamp.read_text() == self.wanted

    def make(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Bring the environment to what the lock says; a sync that was interrupted is done again from the start.

        Raises:
            Failed: a package could not be had or has another hash than the lock.
        """
        name = "venv-" + key_of(str(self.root))
        with self.cache.lock(name, waiting=lambda: say("waiting for another bootstrap")):
            if self.is_current():
                return
            say("installing")
            wanted = self.wanted
            if not os.access(self.python, os.X_OK):
                self._uv("venv", "--clear", "--python", sys.executable, str(self.folder))
            anew = ["--reinstall"] if self.unfinished.exists() else []
            self.unfinished.touch()
            self._sync(anew)
            written = self.stamp.with_suffix(".new")
            written.write_text(wanted)
            written.replace(self.stamp)
            self.unfinished.unlink()

    def _sync(self, anew: list[str]) -> None:
        """The lock's packages first, since the project is built by one of them; then exactly those and the project."""
        locked = ["--require-hashes", "--compile-bytecode", "--build-constraints", "requirements/build.txt"]
        self._uv("pip", "install", "--no-deps", *locked, *anew, "--requirement", "requirements/local.lock")
        self._uv("pip", "sync", "--no-build-isolation", "requirements/local.lock", "requirements/project.in")

    def _uv(self, *arguments: str) -> None:
        env = {
            **os.environ,
            "UV_CACHE_DIR": str(self.cache.root / "uv"),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "VIRTUAL_ENV": str(self.folder),
        }
        run([self.uv(), *arguments], cwd=self.root, env=env, attempts=DOWNLOAD_ATTEMPTS, remedy=REMEDY)
