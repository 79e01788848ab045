"""Compiling the locks: the local one holds everything; a role's is what the role needs of it, in the same versions."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from deploy.local.toolchain.commands import run
from deploy.local.toolchain.items import Cache

HOW = ["--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--no-emit-index-url", "--quiet"]


def compile_locks(root: Path, cache: Cache, uv: str) -> None:
    """Write every lock anew; versions change only where local.in asks for it.

    Raises:
        Failed: the requirements contradict each other, or a package is not to be had.
    """
    env = {**os.environ, "UV_CACHE_DIR": str(cache.root / "uv")}
    compile_one = [uv, "pip", "compile", *HOW]
    overridden = ["--overrides=requirements/overrides.txt"]
    run([*compile_one, "requirements/build.in", "--output-file=requirements/build.txt"], cwd=root, env=env)
    whole = ["requirements/local.in", "--output-file=requirements/local.lock"]
    run([*compile_one, *overridden, *whole], cwd=root, env=env)
    for role in tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]:
        subset = ["--constraints=requirements/local.lock", "--no-annotate", "pyproject.toml", f"--extra={role}"]
        run([*compile_one, *overridden, *subset, f"--output-file=requirements/{role}.lock"], cwd=root, env=env)
