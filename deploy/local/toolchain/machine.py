"""What the machine itself must bring: found or named, with the one line that says how to get it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.toolchain.commands import run
from deploy.local.toolchain.items import Cache

GIB = 2**30
DISK_GIB, MEMORY_GIB = 12, 12
#: What of a JDK is run: Spark, Kafka and the metastore run on 17, with one class compiled; Trino runs on 25.
JAVA = {17: ("java", "javac"), 25: ("java",)}
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# Written by EnginEdge's bootstrap while it installs packages: start no service.\nexit 101\n"


@dataclass(frozen=True)
class Need:
    """One prerequisite: ``find`` gives where it is, or nothing; ``package`` is Debian's, if Debian has it."""

    name: str
    find: Callable[[], str | None]
    package: str = ""
    remedy: str = ""

    def missing(self) -> str:
        """The line for the person who has to get it."""
        how = f"apt-get install {self.package} (as root; on Debian 12)" if self.package else ""
        return f"{self.name} is missing: {' or '.join(filter(None, [how, self.remedy]))}"


def on_path(name: str) -> Callable[[], str | None]:
    """A finder for a program that is run by its bare name."""
    return lambda: shutil.which(name)


def server(name: str) -> Callable[[], str | None]:
    """A finder for a program that is run by its path: it may lie where only root's PATH leads."""
    return lambda: shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/bin")


def java_home(major: int) -> str | None:
    """The home of a JDK of exactly this major version, with every program that is needed of it.

    Looked for in this order: ``JAVA<major>_HOME``, ``JAVA_HOME``, the one on the PATH, the system's folder.
    """
    java = shutil.which("java")
    candidates = [os.environ.get(f"JAVA{major}_HOME"), os.environ.get("JAVA_HOME")]
    candidates += [str(Path(java).resolve().parents[1])] if java else []
    candidates += sorted(str(path) for path in Path("/usr/lib/jvm").glob("*"))
    for home in filter(None, candidates):
        release = Path(home, "release")
        if release.is_file() and all(os.access(Path(home, "bin", each), os.X_OK) for each in JAVA.get(major, ())):
            version = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)
            if version and int(version[1]) == major:
                return str(Path(home).resolve())
    return None


def go() -> str | None:
    """The ``go`` on the PATH, if it is 1.26 or newer."""
    found = shutil.which("go")
    if not found:
        return None
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOENV": "off", "XDG_CONFIG_HOME": "/nonexistent"}
    printed = subprocess.run([found, "version"], env=env, capture_output=True, text=True, check=False).stdout
    version = re.search(r"go(\d+)\.(\d+)", printed)
    return found if version and (int(version[1]), int(version[2])) >= (1, 26) else None


def postgres_bin() -> str | None:
    """The folder of PostgreSQL 15's server programs, wherever a distribution puts them."""
    for folder in ["/usr/lib/postgresql/15/bin", "/usr/pgsql-15/bin"]:
        if os.access(Path(folder, "initdb"), os.X_OK):
            return folder
    return None


def library(name: str) -> Callable[[], str | None]:
    """A finder for a shared library that a program from outside Debian is linked with."""

    def find() -> str | None:
        try:
            return ctypes.CDLL(name)._name
        except OSError:
            return None

    return find


def _fonts() -> str | None:
    return next((str(path) for path in Path("/usr/share/fonts").glob("**/LiberationSans-Regular.*")), None)


BUILDING = [
    Need("a JDK 17", lambda: java_home(17), "openjdk-17-jdk-headless", "set JAVA17_HOME"),
    Need("Java 25", lambda: java_home(25), "", "install a JDK 25 (Temurin has temurin-25-jdk) or set JAVA25_HOME"),
    Need("Go 1.26 or newer", go, "", "install Go 1.26 and put its bin folder on the PATH"),
    Need("Maven", on_path("mvn"), "maven"),
    Need("make", on_path("make"), "make"),
    Need("git", on_path("git"), "git"),
    Need("tar", on_path("tar"), "tar"),
    Need("setpriv", on_path("setpriv"), "util-linux"),
    Need("pip for this Python", lambda: "yes" if importlib.util.find_spec("pip") else None, "python3-pip"),
]
RUNNING = [
    Need("PostgreSQL 15's server", postgres_bin, "postgresql-15"),
    Need("redis-server", server("redis-server"), "redis-server"),
    Need("redis-cli", server("redis-cli"), "redis-tools"),
    Need("Chromium", server("chromium"), "chromium"),
    Need("fonts for Chromium", _fonts, "fonts-liberation"),
    Need("unshare", on_path("unshare"), "util-linux"),
    Need("curl", on_path("curl"), "curl"),
    Need("libcurl for mongod", library("libcurl.so.4"), "libcurl4"),
]


def lacking(needs: Iterable[Need]) -> list[Need]:
    """The needs that are not met."""
    return [need for need in needs if not need.find()]


def can_install() -> bool:
    """Whether Debian's packages can be installed from here: as root, where there is apt-get."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def supply(needs: Sequence[Need], cache: Cache, say: Callable[[str], None] = lambda _: None) -> list[Need]:
    """Install the packages of what is lacking, where that can be done; what is lacking after that is returned.

    Raises:
        Failed: apt-get could not; its last lines are in the error.
    """
    if can_install():
        with cache.lock("packages", waiting=lambda: say("waiting for another bootstrap")):
            if _policy_is_ours():
                POLICY.unlink(missing_ok=True)  # left by a run that was killed: it would keep others' services down
            if packages := sorted({need.package for need in lacking(needs) if need.package}):
                say("installing " + ", ".join(packages))
                _install(packages)
    return lacking(needs)


def _policy_is_ours() -> bool:
    return not POLICY.exists() or POLICY.read_text() == POLICY_TEXT


def _install(packages: Sequence[str]) -> None:
    """Install Debian's packages without asking anything and without starting the services that they bring."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    remedy = "repair the package system by hand (`apt-get -f install`), then run it again"
    ours = _policy_is_ours()
    try:
        if ours:
            POLICY.write_text(POLICY_TEXT)
            POLICY.chmod(0o755)
        wait = ["-o", "DPkg::Lock::Timeout=300"]
        run(["apt-get", *wait, "--quiet", "update"], cwd=Path("/"), env=env, attempts=3, remedy=remedy)
        install = ["apt-get", *wait, "--quiet", "--yes", "--no-install-recommends", "install", *packages]
        run(install, cwd=Path("/"), env=env, attempts=2, remedy=remedy)
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


def too_small(cache: Path, root: Path, everything_is_there: bool) -> list[str]:
    """One line for each resource that the machine has too little of."""
    lines = []
    wanted = 2 if everything_is_there else DISK_GIB
    for place in {_existing(cache), _existing(root)}:
        free = shutil.disk_usage(place).free / GIB
        if free < wanted:
            lines.append(f"{wanted} GiB of free disk are needed below {place}, {free:.1f} are there: free some, "
                         "or point ENGINEDGE_CACHE at a larger disk")  # fmt: skip
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    if memory < MEMORY_GIB:
        lines.append(f"{MEMORY_GIB} GiB of memory are needed, this machine has {memory:.1f}: use a larger one")
    return lines


def _existing(path: Path) -> Path:
    return next(parent for parent in [path, *path.parents] if parent.exists())
