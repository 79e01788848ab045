"""Spark's Java machines start from an archive of the classes that an earlier application loaded.

A driver spends a third of its processor time on finding, verifying and linking its classes, anew for every application.
Java's class data sharing (JEP 350) keeps them, linked, in a file. The first application that ends well records it; the
later ones map it, drivers and executors alike, since both have one class path, and those of every checkout of a user:
it lies beside Spark in the cache. Java itself refuses an archive of other classes and goes on without; what the archive
depends on is in its name, so that then a new one is recorded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from enginedge.kernel_lock import taken
from enginedge.old_files import remove_old_files
from enginedge.settings import settings

QUIET = "-Xlog:cds*=off"  # it would tell on standard output which classes it can't keep
UNUSED_AFTER_DAYS = 45  # another checkout's jars may differ from ours: its archive stays while it is used


@contextmanager
def class_archive(attempt: str) -> Iterator[dict[str, str]]:
    """Java's options for the driver and for the executors of the application ``attempt``.

    They start from the archive, where there is one. Otherwise the driver records it, unless another one does so at the
    moment: recording takes longer than it saves. What was recorded counts if the ``with`` ends well.
    """
    archive = _archive()
    if _is_there(archive):
        shared = f"-XX:SharedArchiveFile={archive} {QUIET}"
        yield {"driver": shared, "executor": shared}
        return
    with _alone(archive.parent) as alone:
        if not alone:
            yield {}
            return
        remove_old_files(archive.parent, UNUSED_AFTER_DAYS)
        part = archive.with_name(f"{attempt}.part")
        try:
            yield {"driver": f"-XX:ArchiveClassesAtExit={part} {QUIET}"}
            if part.exists():
                part.replace(archive)
        finally:
            part.unlink(missing_ok=True)


def _is_there(archive: Path) -> bool:
    """Whether there is the archive, which from now on counts as used."""
    try:
        os.utime(archive)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else is in here with ``folder``; who is killed in here is no longer."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield taken(descriptor)
    finally:
        os.close(descriptor)


def configuration_jar() -> Path:
    """Spark's configuration as a JAR: Java shares no classes where a folder that is not empty is in the class path."""
    return settings().state / "conf" / "spark" / "configuration.jar"


def class_path(tools: Mapping[str, str]) -> str:
    """What Java finds Spark's classes by, before the configuration and whatever else follows.

    It is the same in every checkout: what the class path begins with is all that Java compares with that of an archive.
    """
    return f"{tools['spark_jars']}/*:{tools['spark_home']}/jars/*"


def _archive() -> Path:
    """Named for everything that it depends on: the class path, whose folders are named for what they hold, and Java."""
    tools = settings().toolchain()
    release = (Path(tools["java17_home"]) / "release").read_text()
    name = hashlib.sha256("\n".join((release, class_path(tools))).encode()).hexdigest()[:16]
    return Path(tools["spark_classes"]) / f"{name}.jsa"
